"""Frozen backbone, then stages from the head down, each slower than the one above."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network, find_entry
from medres.models.spec import NetworkSpec
from medres.training.finetuning import group_of, parameter_groups, rate_factor, release, released_groups
from medres.training.spec import TrainingSpec

STAGES = find_entry("resnet10").stages


@pytest.fixture
def network():
    return build_network(NetworkSpec(name="resnet10", spatial_dims=2, in_channels=1, label_count=2, width=0.125))


def test_stages_are_released_from_the_head_down():
    spec = TrainingSpec(frozen_epochs=3, unfreeze_every=2)
    assert [released_groups(epoch, spec, 6) for epoch in range(13)] == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


def test_all_are_released_at_once_without_a_step():
    assert [released_groups(epoch, TrainingSpec(frozen_epochs=1), 6) for epoch in range(3)] == [1, 6, 6]


def test_frozen_groups_hold_still_with_their_running_means(network):
    spec = TrainingSpec(frozen_epochs=1, unfreeze_every=1)
    release(network.train(), STAGES, 1, spec)
    learning = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {"fc", "layer4"}
    assert network.layer4[0].bn1.training
    assert not network.layer3[0].bn1.training
    assert not network.bn1.training
    before = network.bn1.running_mean.clone()
    network(torch.rand(2, 1, 32, 32))
    assert torch.equal(network.bn1.running_mean, before)


def test_every_parameter_stands_in_one_group_with_its_rate(network):
    spec = TrainingSpec(learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    groups = parameter_groups(network, STAGES, spec)
    rates = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    for name, p in network.named_parameters():
        assert rates[id(p)] == (0.5 ** group_of(name, STAGES), 0.1 if p.ndim > 1 else 0.0)


def test_rate_rises_then_falls_to_nothing():
    factors = [rate_factor(step, 200, 0.1) for step in range(200)]
    assert factors[:20] == sorted(factors[:20])
    assert factors[20:] == sorted(factors[20:], reverse=True)
    assert max(factors) == 1.0
    assert factors[0] == pytest.approx(0.05)
    assert factors[-1] < 1e-3
