"""Two variants of a scan differ much by default, but never in left and right."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medres.training.pretraining.spec import PretrainingSpec


def test_variants_differ_by_default_and_keep_their_sides():
    spec = PretrainingSpec()
    assert spec.augmentation.crop > 0
    assert spec.augmentation.contrast > 0
    assert not spec.augmentation.flips


def test_reject_batches_that_starve_the_norms():
    with pytest.raises(ValidationError):
        PretrainingSpec(batch_size=2)
