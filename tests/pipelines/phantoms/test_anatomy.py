"""Synthetic patients: the truth about them holds, and simple classifiers cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medres import geometry
from pipelines.phantoms.anatomy import LESION_CONTRAST, build_phantom

SPACING = (3.0, 3.0, 4.0)  # coarser than the demo's, for speed


def test_same_seed_gives_the_same_patient() -> None:
    first, second = (build_phantom(5, spacing_mm=SPACING) for _ in range(2))
    assert np.array_equal(first.voxels, second.voxels)
    assert first.lesion == second.lesion


@pytest.mark.parametrize("seed", range(6))
def test_lesion_lies_where_the_truth_says(seed: int) -> None:
    phantom = build_phantom(seed, spacing_mm=SPACING)
    middle = geometry.apply_affine(phantom.affine, np.argwhere(phantom.mask).mean(axis=0))
    assert np.abs(middle - phantom.lesion.centre_mm).max() < max(SPACING)


@pytest.mark.parametrize("seed", range(6))
def test_lesion_is_whole_inside_the_scan_and_of_its_size(seed: int) -> None:
    phantom = build_phantom(seed, spacing_mm=SPACING)
    places = np.argwhere(phantom.mask)
    assert places.min() >= 0
    volume = len(places) * geometry.voxel_volume_mm3(phantom.affine)
    assert volume == pytest.approx(4 / 3 * np.pi * phantom.lesion.radius_mm**3, rel=0.3)


def test_patient_differs_by_the_lesion_alone() -> None:
    healthy, ill = build_phantom(3, lesion=False, spacing_mm=SPACING), build_phantom(3, spacing_mm=SPACING)
    far = np.abs(ill.voxels.astype(int) - healthy.voxels) > 0
    assert not healthy.mask.any()
    assert healthy.lesion is None
    assert far.any()
    assert far.sum() < 12 * ill.mask.sum()


def test_contrast_is_at_most_twice_the_noise() -> None:
    assert max(LESION_CONTRAST) <= 2.0


def test_maximum_mean_and_volume_do_not_tell() -> None:
    labels = [seed % 2 for seed in range(120)]
    voxels = [build_phantom(seed, lesion=bool(label), spacing_mm=SPACING).voxels for seed, label in enumerate(labels)]
    for measure in (np.max, np.mean, lambda v: (v > -500).sum()):
        strength = roc_auc_score(labels, [measure(v) for v in voxels])
        assert max(strength, 1 - strength) < 0.75


def test_mr_like_patient_has_no_hounsfield_units() -> None:
    phantom = build_phantom(1, modality="MR", spacing_mm=SPACING)
    assert phantom.modality == "MR"
    assert phantom.voxels.min() >= 0
