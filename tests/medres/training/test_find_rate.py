"""A sweep of the rate finds where the loss falls, ends where it explodes, and leaves the network as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from medres.errors import TrainingError
from medres.training.find_rate import find_rate


def batch(step):
    random = torch.Generator().manual_seed(step)
    x = torch.randn(16, 4, generator=random)
    return x, (x[:, 0] > 0).long()


def test_the_chosen_rate_lies_where_the_loss_still_falls_and_the_network_is_not_touched():
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    before = copy.deepcopy(network.state_dict())
    found = find_rate(network, batch)
    assert 1e-4 < found.chosen < 0.2
    assert min(found.losses) < found.losses[0]
    assert list(found.rates) == sorted(found.rates)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_loss_that_is_never_finite_is_refused():
    with pytest.raises(TrainingError, match="E_TRAIN_NAN"):
        find_rate(nn.Linear(4, 2), lambda step: (torch.full((4, 4), float("nan")), torch.tensor([0, 1, 0, 1])))
