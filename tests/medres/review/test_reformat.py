"""Scans off the patient's axes, laid onto them."""

from __future__ import annotations

import numpy as np
import pytest

from medres import geometry
from medres.review.reformat import can_reformat, to_patient_axes
from tests.browser import phantoms


@pytest.mark.parametrize(
    ("name", "off"), [("axial", False), ("left_sided", False), ("oblique", True), ("tilted", True)]
)
def test_only_scans_off_the_axes_are_offered(name, off):
    assert can_reformat(phantoms.volume(name)) is off


def test_scans_without_sides_or_in_colour_are_not_offered():
    assert not can_reformat(phantoms.volume("colour"))
    assert not can_reformat(phantoms.volume("oblique").with_codes("W_NIFTI_NO_SIDE"))


@pytest.mark.parametrize("name", ["oblique", "tilted"])
def test_the_lesion_stays_where_it_is_in_the_patient(name):
    volume = phantoms.volume(name)
    straight = to_patient_axes(volume)
    assert not geometry.is_oblique(straight.affine)
    wanted = geometry.apply_affine(volume.affine, phantoms.LESION_IJK)
    bright = np.argwhere(straight.voxels > 0)  # (n, 3)
    centres = geometry.apply_affine(straight.affine, bright)
    near = np.linalg.norm(centres - wanted, axis=1) < 9.0
    weights = straight.voxels[tuple(bright[near].T)].astype(float)
    assert np.linalg.norm(np.average(centres[near], axis=0, weights=weights) - wanted) < 1.5


def test_every_corner_of_the_scan_lies_inside_and_values_stay_of_their_kind():
    volume = phantoms.volume("oblique")
    straight = to_patient_axes(volume)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape])).reshape(3, -1).T
    inside = geometry.apply_affine(np.linalg.inv(straight.affine), geometry.apply_affine(volume.affine, corners))
    assert (inside > -0.5).all()
    assert (inside < np.array(straight.shape) - 0.5).all()
    assert straight.voxels.dtype == volume.voxels.dtype
    assert straight.voxels.min() == volume.voxels.min()
