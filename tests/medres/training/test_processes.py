"""One process is alone; two give the weights of one with the same batches, and gather patients rightly."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

from medres.datasets.split_file import write_split
from medres.training.processes import gather, is_leader, is_sharded, mean_share, my_place, part_ways, shard
from tests.medres.training import cohorts
from tests.pipelines.program import medres, medres_process

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
