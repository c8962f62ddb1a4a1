"""Tests of benchmarks/training.py: what is counted, what the peer is asked for, where the table goes."""

from __future__ import annotations

import argparse
import json
import sys

import pytest
import torch
from monai import transforms as mt

from benchmarks import training
from benchmarks.training import CONFIG, SHOWN, TITLES, Case, Turns, _cell, _facts, make_case, run_case, table
from benchmarks.training_clock import Used, peak_memory
from benchmarks.training_data import make_cohort
from benchmarks.training_peer import KEY, items, load, make_network, one_channel, vary
from medres.models.registry import build_network
from medres.training.dataset import prepare_scans
from medres.training.toml_file import parse_experiment


@pytest.fixture(scope="module", params=[2, 3])
def case(request, tmp_path_factory):
    """The quick case in 2D and in 3D."""
    return make_case(tmp_path_factory.mktemp("scans"), request.param, quick=True)


def test_peer_and_ours_are_shown_the_same_before_augmentation(case):
    rows = case.split.rows(case.manifest, "train")[:2]
    ours = prepare_scans(case.manifest, rows, case.experiment.preprocessing, case.experiment.labels)
    path = mt.Compose(load(case.experiment.preprocessing))
    for row, scan in zip(items(case.manifest, rows, case.experiment), ours, strict=True):
        shown = torch.as_tensor(path(row)[KEY])
        own = scan.tensor[0].transpose(1, 2) if shown.ndim == 3 else scan.tensor[0]  # MONAI shows columns, rows
        assert row["label"] == scan.label
        torch.testing.assert_close(shown, own, atol=1e-3, rtol=1e-3)


def test_peer_has_a_random_transform_for_each_change_of_ours(case):
    steps = vary(case.experiment.augmentation, case.experiment.preprocessing)
    assert len(steps) == case.experiment.preprocessing.spatial_dims + 9
    image = {KEY: torch.rand(1, *case.experiment.preprocessing.size)}
    assert mt.Compose(steps)(image)[KEY].shape == image[KEY].shape


def test_peer_begins_from_our_weights(case):
    theirs = make_network(case.experiment).eval()
    ours = build_network(case.experiment.network_spec, case.experiment.training.seed).eval()
    x = torch.rand(1, 1, *[64] * case.experiment.preprocessing.spatial_dims)
    with torch.no_grad():
        torch.testing.assert_close(theirs(x), ours(x), atol=1e-5, rtol=1e-4)


def test_colours_become_one_channel():
    assert one_channel(torch.rand(3, 4, 4)).shape == (1, 4, 4)
    assert one_channel(torch.rand(1, 4, 4)).shape == (1, 4, 4)


def test_first_epoch_is_not_counted():
    found = _facts([Used(100.0, 100.0, 50.0), Used(2.0, 3.0, 0.5), Used(2.0, 3.0, 0.5)], 10, 9.0)
    assert found == {"rate": 5.0, "cpu": 0.3, "waiting": 0.25, "whole": 9.0}


def test_clock_of_ours_stands_still_while_the_peer_has_its_turn():
    class Rival:
        epochs, aurocs = [Used(1.0, 1.0)], [0.5]

        def run_epoch(self):
            """Do nothing."""

    turns = Turns(Rival(), "x")
    turns.on_batch(1, 1, 0.5)
    turns.on_epoch({"training_seconds": 4.0, "waiting_share": 0.25, "validation_auroc": 0.5})
    assert turns.epochs[0].waited == 1.0
    assert turns.epochs[0].seconds == 4.0
    assert turns.at_peer < 1.0


def test_table_gives_ratios_to_the_peer():
    one = {"rate": 2.0, "cpu": 0.5, "waiting": 0.1, "whole": 9.0, "auroc": 0.9, "lower": 0.8, "upper": 1.0}
    about = {"title": "2D", "batch": 4, "epochs": 3, "training": 8, "validation": 8, "precision": "bf16"}
    one_case = {**about, "workers": 2, "speedup": 2.0, "ours": one, "peer": one | {"rate": 1.0}}
    text = table({"2D": one_case | {"load": 1.0}, "memory": {"ct": 1.0, "picture": 0.5}})
    assert "| scans a second | 2.0 | 1.0 | 2.00 |" in text
    assert "1.00 GB (ct) and 0.50 GB (picture)" in text


@pytest.mark.parametrize("bound", [None, float("nan")])
def test_auroc_without_interval_is_said_in_words(bound):
    assert _cell({"auroc": 1.0, "lower": bound, "upper": bound}) == "1.000 (all told apart)"
    assert _cell({"auroc": 0.9, "lower": 0.8, "upper": 0.95}) == "0.900 (0.800 to 0.950)"


def test_what_was_measured_before_a_kill_is_not_measured_again(tmp_path, monkeypatch, capsys):
    calls = []

    def measured(folder, patients):
        calls.append(patients)
        return {"ct": 1.0, "picture": 0.5}

    monkeypatch.setattr(training, "demo_memory", measured)
    one = {"rate": 2.0, "cpu": 0.5, "waiting": 0.1, "whole": 9.0, "auroc": 0.9, "lower": 0.8, "upper": 1.0}
    about = {"title": "2D", "batch": 4, "epochs": 3, "training": 8, "validation": 8, "precision": "fp32"}
    case = about | {"workers": 2, "speedup": None, "ours": one, "peer": one, "load": 0.0}
    (tmp_path / "training_quick.json").write_text(json.dumps({title: case for title in TITLES.values()}))
    given = argparse.Namespace(
        out=tmp_path, config=None, dims=[2, 3], quick=True, resume=True, workers=0, no_memory=False, write=None
    )
    training.run(given)
    training.run(given)
    assert calls == [60]
    assert capsys.readouterr().out.count("1.00 GB (ct)") == 2


def test_memory_of_a_program_is_that_of_its_peak(tmp_path):
    program = "import time; held = bytearray(200_000_000); time.sleep(3)"
    assert 200_000_000 < peak_memory([sys.executable, "-c", program], tmp_path) < 400_000_000


def test_experiment_of_the_benchmark_is_valid():
    text = CONFIG.format(dims=2, shown=SHOWN[2], epochs=1, batch=2, flips=["i"], angles=[15.0])
    assert parse_experiment(text).augmentation.elastic == 0.03


@pytest.mark.slow
def test_both_loops_train_in_turn_on_the_same_scans(tmp_path):
    """Ours through `train`, the peer in its own process; 32 pixels, so that it takes seconds."""
    manifest, split = make_cohort(tmp_path / "scans", 2, 8, 8)
    text = CONFIG.format(dims=2, shown=SHOWN[2], epochs=2, batch=4, flips=["i"], angles=[15.0])
    small = text.replace("size = [224, 224]", "size = [32, 32]\nfit = 'contain'")
    found = run_case(Case("tiny", parse_experiment(small), manifest, split), tmp_path / "run", workers=0)
    assert (found["training"], found["validation"]) == (8, 8)
    for one in (found["ours"], found["peer"]):
        assert one["rate"] > 0
        assert 0 < one["waiting"] < 1
        assert 0 <= one["auroc"] <= 1
    assert "| tiny, batch 4" in table({"tiny": found | {"load": 0.0}})
