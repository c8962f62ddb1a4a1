"""The loss is the paper's; no gradient flows through the target; the spread tells a collapse."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from medres.training.pretraining.siamese import build_siamese, likeness_loss, spread_of


def pair(dims: int = 2):
    spec = NetworkSpec(
        name="resnet10", spatial_dims=dims, in_channels=1, label_count=2, width=0.125, stem="small", last_stride=1
    )
    return build_siamese(build_network(spec, seed=0), torch.rand(1, 1, *[16] * dims), 16, 8, seed=0)


def test_loss_is_minus_the_mean_cosine_of_predictions_and_projections():
    z1, p1, z2, p2 = torch.randn(4, 5, 8, generator=torch.Generator().manual_seed(0))
    expected = 0.0
    for p, z in ((p1, z2), (p2, z1)):
        for a, b in zip(p, z, strict=True):
            expected -= float(a @ b / (a.norm() * b.norm())) / (2 * len(p))
    assert float(likeness_loss((z1, p1), (z2, p2))) == pytest.approx(expected, abs=1e-6)
    assert float(likeness_loss((z1, z1), (z1, z1))) == pytest.approx(-1.0, abs=1e-6)


def test_no_gradient_flows_through_the_target():
    first, second = (torch.randn(4, 8, requires_grad=True) for _ in range(2))
    loss = likeness_loss((first, torch.randn(4, 8, requires_grad=True)), (second, torch.randn(4, 8)))
    loss.backward()
    assert first.grad is None
    assert second.grad is None


@pytest.mark.parametrize("dims", [2, 3])
def test_every_weight_of_the_backbone_but_the_head_learns(dims):
    siamese = pair(dims)
    x = torch.rand(6, 1, *[16] * dims, generator=torch.Generator().manual_seed(1))
    likeness_loss(siamese(x), siamese(x + 0.1 * torch.randn(x.shape))).backward()
    without = {name for name, p in siamese.named_parameters() if p.grad is None or not p.grad.abs().sum()}
    assert without == {"backbone.fc.weight", "backbone.fc.bias"}


def test_same_seed_gives_the_same_pair():
    first, again = (pair().state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_spread_is_one_on_a_sphere_and_nothing_at_a_point():
    even = functional.normalize(torch.randn(2000, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    assert spread_of(even) == pytest.approx(1.0, abs=0.02)
    assert spread_of(torch.ones(10, 32)) == pytest.approx(0.0, abs=1e-5)
    assert math.isfinite(spread_of(torch.zeros(4, 8)))
