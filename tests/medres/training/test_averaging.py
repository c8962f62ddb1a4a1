"""The mean of the last epochs is their mean; the running average follows."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from medres.training.averaging import decay_at, epochs_averaged, move_towards


def test_swa_is_the_mean_of_the_epochs_from_its_start():
    network = nn.BatchNorm1d(2)
    kept, seen = copy.deepcopy(network), []
    for epoch in range(8):
        with torch.no_grad():
            network.weight.fill_(float(epoch))
        held = epochs_averaged(epoch, 8, 0.75)
        seen += [float(epoch)] if held >= 0 else []
        move_towards(kept, network, 1.0 / (max(held, 0) + 1))
        if held < 0:
            assert float(kept.weight[0].detach()) == epoch  # the copy follows before the mean begins
    assert float(kept.weight[0].detach()) == pytest.approx(sum(seen) / len(seen))
    assert seen == [5.0, 6.0, 7.0]


def test_running_average_is_fast_at_first_and_slow_later():
    assert decay_at(0, 0.99) == 0.1
    assert decay_at(10**6, 0.99) == 0.99
