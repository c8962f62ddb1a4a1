"""The folder starts a training, and its record tells whom the backbone has seen, by pseudonym alone."""

from __future__ import annotations

import json

import pytest
import torch

from medres.errors import ModelError
from medres.io.privacy import SiteKey
from medres.models.registry import build_network
from medres.models.transfer import load_weights
from medres.training.precision import Computation
from medres.training.pretraining.loop import Pretrained
from medres.training.pretraining.record import RECORD, WEIGHTS, save_pretrained, seen_patients
from tests.medres.training.pretraining.scans import experiment, scans


@pytest.fixture
def key() -> SiteKey:
    return SiteKey(bytes(32))


@pytest.fixture
def saved(tmp_path, key):
    network = build_network(experiment().network_spec, seed=3)
    row = {"epoch": 1.0, "loss": -0.5, "spread": 0.9, "learning_rate": 0.1, "seconds": 1.0}
    found = Pretrained(network, (row,), Computation("fp32", False))
    save_pretrained(tmp_path / "backbone", found, experiment(), scans(6), key, {"part": "train"})
    return tmp_path / "backbone", network


def test_the_weights_start_a_network_and_leave_its_head(saved):
    folder, source = saved
    network = build_network(experiment().network_spec, seed=9)
    record = load_weights(network, folder / WEIGHTS, head="replace")
    assert record.coverage == 1.0
    assert torch.equal(network.state_dict()["layer3.0.conv1.weight"], source.state_dict()["layer3.0.conv1.weight"])
    assert not torch.equal(network.fc.weight, source.fc.weight)


def test_the_record_counts_patients_and_names_none(saved, key):
    folder, _ = saved
    assert seen_patients(folder / WEIGHTS, ["p0", "p1", "p1", "elsewhere"], key) == 2
    text = (folder / RECORD).read_text()
    assert '"p0"' not in text
    assert json.loads(text)["scans"] == 6


def test_without_a_record_or_under_another_key_nothing_is_claimed(saved, key, tmp_path):
    folder, _ = saved
    assert seen_patients(tmp_path / "other.pth", ["p0"], key) is None
    assert seen_patients(folder, ["p0"], SiteKey(bytes(31) + b"1")) is None


def test_reject_a_record_that_is_none(saved, key):
    folder, _ = saved
    (folder / RECORD).write_text("[]")
    with pytest.raises(ModelError, match="E_WEIGHTS_FILE"):
        seen_patients(folder, ["p0"], key)
