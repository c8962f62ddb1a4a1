"""Blended scans carry blended labels, in the same shares."""

from __future__ import annotations

import pytest
import torch

from medres.training.augmentation.mixing import mix
from medres.training.augmentation.spec import AugmentationSpec
from tests.medres.training.augmentation.batches import generator


def labelled(count: int = 64, shape: tuple[int, ...] = (16, 16)) -> tuple[torch.Tensor, torch.Tensor]:
    """Give scans whose value is their label."""
    labels = torch.arange(count) % 2
    return labels.float().view(-1, 1, *[1] * len(shape)).expand(count, 1, *shape).clone(), labels


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
@pytest.mark.parametrize("spec", [AugmentationSpec(mixup=0.4), AugmentationSpec(cutmix=1.0)])
def test_share_of_the_label_is_the_share_of_the_scan(spec, shape):
    batch, labels = labelled(shape=shape)
    found, shares = mix(batch, labels, 2, spec, generator())
    torch.testing.assert_close(shares.sum(1), torch.ones(len(batch)))
    torch.testing.assert_close(found.flatten(1).mean(1), shares[:, 1], atol=1e-5, rtol=0)
    assert ((shares > 0.01) & (shares < 0.99)).any()


def test_mixup_shares_follow_the_beta_distribution():
    batch, labels = torch.zeros(4000, 1, 1, 1), torch.arange(4000)
    _, shares = mix(batch, labels, 4000, AugmentationSpec(mixup=0.4), generator())
    kept = shares[torch.arange(4000), labels]
    assert float(kept.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(kept.var()) == pytest.approx(0.25 / (2 * 0.4 + 1), rel=0.08)


def test_off_by_default_and_same_for_the_same_seed():
    batch, labels = labelled(6)
    found, shares = mix(batch, labels, 3, AugmentationSpec(), generator())
    assert torch.equal(found, batch)
    assert torch.equal(shares.argmax(1), labels)
    both = AugmentationSpec(mixup=0.4, cutmix=1.0)
    first, again = (mix(batch, labels, 3, both, generator(5)) for _ in range(2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
