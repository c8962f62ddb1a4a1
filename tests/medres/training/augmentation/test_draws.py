"""Draws keep their limits and probabilities, one for each scan."""

from __future__ import annotations

import pytest
import torch

from medres.training.augmentation.draws import amount, change_some, coin, lowest, spread, uniform
from tests.medres.training.augmentation.batches import generator


def test_amounts_stay_within_their_limit_and_leave_their_share_alone():
    batch = torch.zeros(4000, 1, 1, 1)
    drawn = amount(batch, 0.3, 0.25, generator())
    assert drawn.shape == (4000, 1, 1, 1)
    assert drawn.abs().max() <= 0.3
    assert float((drawn != 0).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_limits_may_differ_along_the_last_axis():
    drawn = uniform((500, 2), torch.tensor([0.1, 2.0]), generator())
    assert 0.09 < drawn[:, 0].abs().max() <= 0.1
    assert 1.9 < drawn[:, 1].abs().max() <= 2.0


def test_coin_and_spread_and_lowest_give_one_value_for_each_scan():
    batch = torch.rand(5, 2, 3, 4, 6)
    assert coin(batch, 1.0, generator()).all()
    assert spread(torch.arange(5.0), batch).shape == (5, 1, 1, 1, 1)
    assert torch.equal(lowest(batch).flatten(), batch.flatten(1).amin(1))


def test_only_chosen_scans_are_changed_each_with_its_own_part():
    batch, chosen = torch.zeros(4, 1, 2, 2), torch.tensor([True, False, False, True])
    found = change_some(batch, chosen, lambda scans, add: scans + add, torch.arange(1.0, 5.0).view(4, 1, 1, 1))
    assert found[:, 0, 0, 0].tolist() == [1.0, 0.0, 0.0, 4.0]
    assert not batch.any()
    assert change_some(batch, torch.zeros(4, dtype=torch.bool), lambda scans: scans + 1) is batch
