"""Millimetres and Hounsfield units are what the preprocessing says, or they are refused."""

from __future__ import annotations

import pytest

from medres.errors import SpecError
from medres.preprocessing.spec import PreprocessingSpec
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units, check_units, units_of

HU = {"kind": "window", "lower": -100, "upper": 300}


def test_slices_take_the_spacing_of_their_plane_rows_first():
    spec = PreprocessingSpec(
        spatial_dims=2,
        modality="CT",
        spacing_mm=(0.5, 0.7, 3.0),
        size=(32, 40, 0),
        intensity=HU,
        views={"kind": "slices", "axis": 2},
    )
    assert units_of(spec) == Units((0.7, 0.5), 400.0)


@pytest.mark.parametrize("modality", ["MR", "US"])
def test_only_ct_has_hounsfield_units(modality):
    spec = PreprocessingSpec(spatial_dims=3, modality=modality, size=(8, 8, 8), intensity=HU)
    assert units_of(spec) == Units((), 0.0)


def test_reject_millimetres_without_a_spacing_and_hu_without_ct():
    spec = PreprocessingSpec(spatial_dims=3, modality="MR", size=(8, 8, 8), intensity=HU)
    with pytest.raises(SpecError, match=r"shift_mm, motion_mm must come with .* spacing_mm, got none"):
        check_units(AugmentationSpec(shift_mm=3, motion_mm=1), spec)
    with pytest.raises(SpecError, match="noise_hu must come with CT"):
        check_units(AugmentationSpec(noise_hu=20), spec)
    check_units(AugmentationSpec(shift=0.1, noise=0.1), spec)


def test_reject_bends_in_mm_that_would_fold_a_small_grid():
    spec = PreprocessingSpec(spatial_dims=3, modality="CT", size=(32, 32, 16), spacing_mm=(1, 1, 2), intensity=HU)
    check_units(AugmentationSpec(elastic_mm=2.5), spec)
    with pytest.raises(SpecError, match=r"elastic_mm must be at most 0\.0875 of each axis, got 0\.1562"):
        check_units(AugmentationSpec(elastic_mm=5.0), spec)
