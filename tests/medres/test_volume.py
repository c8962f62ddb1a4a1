"""A Volume is frozen, checks its shapes and says where it lies."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from medres.volume import Volume
from tests.small import noise_volume, picture


def test_a_volume_cannot_be_changed():
    volume = noise_volume(padding=np.zeros((20, 18, 12), bool))
    with pytest.raises(FrozenInstanceError):
        volume.modality = "MR"
    for array in (volume.voxels, volume.affine, volume.padding):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4, 2), (2, 2, 2, 2, 3)])
def test_reject_voxels_that_are_no_grid(shape):
    with pytest.raises(ValueError, match="voxels must be"):
        Volume(np.zeros(shape), np.eye(4), "CT")


@pytest.mark.parametrize("affine", [np.eye(3), np.diag([1.0, 0.0, 1.0, 1.0])])
def test_reject_affine_that_is_singular_or_of_another_shape(affine):
    with pytest.raises(ValueError, match="affine must be"):
        Volume(np.zeros((2, 2, 2)), affine, "CT")


def test_a_copy_keeps_all_that_is_not_named():
    volume = noise_volume(codes=("W_TILT",), notes={"lossy_ratio": 8.0})
    copy = volume.with_voxels(np.ones((2, 2, 2)), np.diag([2.0, 2.0, 2.0, 1.0]), unit="1")
    assert (copy.modality, copy.codes, copy.notes) == ("CT", ("W_TILT",), {"lossy_ratio": 8.0})
    assert (copy.unit, copy.spacing_mm, copy.shape) == ("1", (2.0, 2.0, 2.0), (2, 2, 2))


def test_codes_are_kept_once_in_order():
    assert noise_volume(codes=("W_TILT",)).with_codes("W_LOSSY", "W_TILT").codes == ("W_TILT", "W_LOSSY")


def test_a_volume_names_its_axes():
    assert noise_volume().orientation == "LPS"
    assert picture().orientation == "detector"


def test_a_picture_is_one_plane_and_colours_do_not_count_as_one():
    assert picture().is_picture
    assert not noise_volume().is_picture
    colours = Volume(np.zeros((4, 5, 1, 3), np.uint8), np.eye(4), "US")
    assert colours.is_colour
    assert colours.shape == (4, 5, 1)
