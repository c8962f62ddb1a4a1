"""The planted ball is where the phantom says, as faint as it says, and beside vessels, not on them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.patch_phantoms import CONTRAST, LESION_RADIUS_MM, NOISE_HU, SPACING_MM, build
from medres import geometry

SHAPE = (80, 80, 56)


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_the_ball_lies_in_its_place_with_a_contrast_of_at_most_twice_the_noise(seed):
    phantom = build(seed, SHAPE, lesion=True)
    assert CONTRAST[0] <= phantom.contrast <= CONTRAST[1] <= 2.0
    index = geometry.apply_affine(np.linalg.inv(phantom.affine), phantom.lesion_mm)
    away = np.linalg.norm((np.moveaxis(np.indices(SHAPE), 0, -1) - index) * SPACING_MM, axis=-1)
    inside = phantom.voxels[away < LESION_RADIUS_MM - 1.0].mean()
    shell = np.median(phantom.voxels[(away > LESION_RADIUS_MM + 1.0) & (away < LESION_RADIUS_MM + 3.0)])
    assert inside - shell == pytest.approx(phantom.contrast * NOISE_HU, rel=0.4)


def test_the_same_seed_gives_the_same_phantom_and_none_has_no_ball():
    first, second, other = (build(seed, SHAPE, lesion=False) for seed in (5, 5, 6))
    assert first.lesion_mm is None
    assert np.array_equal(first.voxels, second.voxels)
    assert not np.array_equal(first.voxels, other.voxels)
