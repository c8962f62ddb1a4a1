"""Pretraining learns, goes on after a kill to the same weights, and stops at a collapse."""

from __future__ import annotations

import pytest
import torch

from medres.errors import TrainingError
from medres.models.registry import build_network
from medres.training.pretraining import loop
from medres.training.pretraining.loop import Watch, pretrain
from tests.medres.training.pretraining.scans import SHOWN, TINY, experiment, scans


def network():
    return build_network(experiment().network_spec, seed=0)


def test_loss_falls_and_scans_stay_apart(tmp_path):
    spec = TINY.model_copy(update={"epochs": 12, "learning_rate": 1.0})
    found = pretrain(network(), scans(), SHOWN, spec, Watch(tmp_path, "x", precision="fp32"))
    losses = [row["loss"] for row in found.history]
    assert len(losses) == 12
    assert losses[-1] < losses[0] - 0.1
    assert found.history[-1]["spread"] > 0.3
    assert not found.network.training


class KilledError(Exception):
    """Stands for a kill between two epochs."""


def test_a_killed_pretraining_goes_on_to_the_same_weights(tmp_path):
    whole = pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path / "a", "x", precision="fp32"))

    def kill(row):
        if row["epoch"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path / "b", "x", precision="fp32", on_epoch=kill))
    resumed = pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path / "b", "x", resume=True))
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    wanted = whole.network.state_dict()
    assert all(torch.equal(wanted[name], tensor) for name, tensor in resumed.network.state_dict().items())


def test_reject_a_state_of_another_configuration_and_one_in_the_way(tmp_path):
    pretrain(network(), scans(), SHOWN, TINY.model_copy(update={"epochs": 1}), Watch(tmp_path, "x", precision="fp32"))
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME"):
        pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path, "y", resume=True))
    with pytest.raises(TrainingError, match="E_TRAIN_OUT"):
        pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path, "x"))


def test_reject_fewer_scans_than_two_batches(tmp_path):
    with pytest.raises(TrainingError, match=r"E_TRAIN_CLASS.*\(16\), got 10"):
        pretrain(network(), scans(10), SHOWN, TINY, Watch(tmp_path, "x"))


def test_a_collapse_that_lasts_stops_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "spread_of", lambda projected: 0.01)
    with pytest.raises(TrainingError, match=r"E_TRAIN_COLLAPSE.*got 0\.010"):
        pretrain(network(), scans(), SHOWN, TINY, Watch(tmp_path, "x", precision="fp32"))
