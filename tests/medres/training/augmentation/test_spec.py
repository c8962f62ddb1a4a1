"""Augmentation is off by default; left and right are never swapped unasked."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec


def test_nothing_is_changed_by_default():
    batch = torch.rand(3, 1, 5, 6, 7)
    assert torch.equal(augment(batch, AugmentationSpec(), torch.Generator().manual_seed(0)), batch)


@pytest.mark.parametrize("angles", [(1.0, 2.0), (-3.0,)])
def test_reject_angles_of_another_number_or_sign(angles):
    with pytest.raises(ValidationError, match="one or three angles"):
        AugmentationSpec(rotation_degrees=angles)


def test_reject_unknown_axis():
    with pytest.raises(ValidationError):
        AugmentationSpec(flips=("x",))


def test_reject_bends_that_would_fold_the_scan():
    with pytest.raises(ValidationError, match=r"must be at most 0\.0875 with 5 nodes"):
        AugmentationSpec(elastic=0.2)
