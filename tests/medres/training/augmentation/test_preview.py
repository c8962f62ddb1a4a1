"""What is drawn is what a training would do."""

from __future__ import annotations

import torch

from medres.training.augmentation.preview import active_changes, alone, draw_mixed, draw_variants
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units
from tests.medres.training.augmentation.batches import batch_of

SPEC = AugmentationSpec(flips=("i",), shift_mm=2.0, noise=0.2, mixup=0.4, policy_strength=0.3, ground="keep")


def test_changes_are_named_and_settings_are_not():
    assert active_changes(SPEC) == ("flips", "shift_mm", "noise", "policy_strength")
    assert active_changes(AugmentationSpec()) == ()


def test_one_change_alone_is_certain_and_keeps_its_settings():
    one = alone(SPEC, "noise")
    assert active_changes(one) == ("noise",)
    assert one.intensity_probability == 1.0
    assert one.ground == "keep"


def test_variants_begin_with_the_scan_itself_and_follow_from_the_seed():
    batch, units = batch_of(2, 3), Units(spacing_mm=(1.0, 1.0))
    drawn = draw_variants(batch, SPEC, units, count=4, seed=3)
    assert drawn.shape == (3, 5, *batch.shape[1:])
    assert torch.equal(drawn[:, 0], batch)
    assert torch.equal(drawn, draw_variants(batch, SPEC, units, count=4, seed=3))
    assert not torch.equal(drawn[:, 1], drawn[:, 2])


def test_blends_tell_what_they_show():
    batch = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 6, 6)
    scans, shares = draw_mixed(batch, torch.arange(4), SPEC, count=8, seed=0)
    torch.testing.assert_close(scans.flatten(1).mean(1), shares @ torch.arange(4.0))
    assert shares[0].tolist() == [1.0, 0.0, 0.0, 0.0]
