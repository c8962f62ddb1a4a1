"""One process is alone; two give the weights of one with the same batches, and gather patients rightly."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from medres.datasets.split_file import write_split
from medres.errors import TrainingError
from medres.training.processes import (
    count_devices,
    count_machines,
    gather,
    is_leader,
    is_sharded,
    is_torn,
    mean_share,
    my_place,
    part_ways,
    shard,
)
from tests.medres.training import cohorts
from tests.pipelines.program import ROOT, medres, medres_process

PLAIN = cohorts.TOML.split("[augmentation]")[0]
GROUPED = PLAIN.replace('stem = "small"', 'stem = "small"\nnorm = "group"')


def test_one_process_gives_everything_back():
    assert my_place() == (0, 1)
    assert gather([1, 2]) == [1, 2]
    assert shard([[1], [2]]) == [[1], [2]]
    assert not is_sharded(9)
    assert float(mean_share(torch.tensor(3.0))) == 3.0
    assert part_ways()


def test_a_process_with_a_rank_above_zero_does_not_lead(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not is_leader()
    monkeypatch.setenv("RANK", "0")
    assert is_leader()


@pytest.mark.parametrize(
    "environment",
    [
        {"LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"},
        {"SLURM_NTASKS_PER_NODE": "4", "SLURM_STEP_NUM_TASKS": "8"},
    ],
)
def test_processes_that_torchrun_or_srun_started_need_not_be_named_again(monkeypatch, environment):
    assert (count_devices(3), count_machines()) == (3, 1)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (count_devices(1), count_devices(4), count_machines()) == (4, 4, 2)
    with pytest.raises(TrainingError, match=r"E_USAGE: --devices must be .*\(4\), got 2 - leave --devices out"):
        count_devices(2)


def test_a_fault_alone_is_never_called_a_torn_meeting():
    assert not is_torn(RuntimeError("Connection closed by peer"))


@pytest.mark.slow
def test_torchrun_with_free_batch_norm_gives_an_auroc_within_the_interval_of_one_process(tmp_path):
    """Batch statistics differ between one process and two; patients are judged once each in both."""
    manifest = cohorts.write_cohort(tmp_path / "scans", 60)
    write_split(cohorts.split_of(manifest), tmp_path / "split.json")
    (tmp_path / "x.toml").write_text(cohorts.TOML.replace("epochs = 2", "epochs = 4"))
    places = ("--manifest", tmp_path / "scans" / "manifest.csv", "--split", tmp_path / "split.json", "--out")
    assert medres("train", tmp_path / "x.toml", *places, tmp_path / "one").returncode == 0
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    words = [*start, "pipelines.cli", "train", tmp_path / "x.toml", *places, tmp_path / "two"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    one, two = (_best_epoch(tmp_path / name / "model" / "history.csv") for name in ("one", "two"))
    lower, upper = (float(one[f"validation_auroc_{end}"]) for end in ("lower", "upper"))
    if math.isnan(lower):  # all patients apart: no interval
        lower, upper = float(one["validation_auroc"]) - 0.1, 1.0
    assert lower <= float(two["validation_auroc"]) <= upper
    described = json.loads((tmp_path / "two" / "model" / "trained_model.json").read_text())
    assert described["provenance"]["hardware"]["processes"] == 2
    scores = [(tmp_path / name / "model" / "validation.csv").read_text().splitlines() for name in ("one", "two")]
    assert [line.split(",")[0] for line in scores[0]] == [line.split(",")[0] for line in scores[1]]


def _best_epoch(path):
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    return max(rows, key=lambda row: float(row["validation_auroc"]))


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one_where_normalisation_does_not_depend_on_the_batch(tmp_path):
    """Real processes over gloo, as a user starts them."""
    manifest = cohorts.write_cohort(tmp_path / "scans", 20)
    write_split(cohorts.split_of(manifest), tmp_path / "split.json")
    (tmp_path / "x.toml").write_text(GROUPED)
    places = ("--manifest", tmp_path / "scans" / "manifest.csv", "--split", tmp_path / "split.json")
    one = medres("train", tmp_path / "x.toml", *places, "--out", tmp_path / "one")
    two = medres_process("train", tmp_path / "x.toml", *places, "--out", tmp_path / "two", "--devices", 2)
    assert one.returncode == two.returncode == 0, two.stderr
    assert two.stdout.count("validation AUROC") == 1  # the helper says nothing
    first, second = (
        safetensors.torch.load_file(tmp_path / name / "model" / "weights.safetensors") for name in ("one", "two")
    )
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 1e-3
    described = (tmp_path / name / "model" / "trained_model.json" for name in ("one", "two"))
    facts = [json.loads(path.read_text())["provenance"] for path in described]
    assert facts[0]["validation_auroc"] == pytest.approx(facts[1]["validation_auroc"], abs=0.1)
    assert facts[1]["hardware"]["processes"] == 2
