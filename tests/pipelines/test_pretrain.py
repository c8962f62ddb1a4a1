"""`medres pretrain`, then `medres train` from its weights: the card says whom the backbone had seen."""

from __future__ import annotations

import json

import pytest

from medres.datasets.manifest import read_manifest
from medres.datasets.split import build_split
from medres.datasets.split_file import write_split
from medres.models.trained_model import load_trained_model
from tests.medres.training import cohorts
from tests.pipelines.program import medres

PRETRAINING = "[pretraining]\nepochs = 1\nbatch_size = 4\nwidth = 8\nbottleneck = 4\n"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrain")
    manifest = cohorts.write_cohort(folder / "scans", 20)
    write_split(cohorts.split_of(manifest), folder / "split.json")
    (folder / "tiny.toml").write_text(cohorts.TOML + PRETRAINING)
    (folder / "started.toml").write_text('weights = "all/backbone/weights.safetensors"\n' + cohorts.TOML)
    done = medres(*arguments(folder, "all"))
    assert done.returncode == 0, done.stderr
    return folder


def arguments(work, out, *more):
    return ("pretrain", work / "tiny.toml", "--manifest", work / "scans" / "manifest.csv", "--out", work / out, *more)


def test_weights_record_and_curves_lie_in_the_folder(work):
    record = json.loads((work / "all" / "backbone" / "pretraining.json").read_text())
    assert record["part"] == "all"
    assert record["scans"] == 20
    assert (work / "all" / "curves.png").stat().st_size > 1000


def test_with_a_split_only_its_training_part_is_learnt_from(work):
    done = medres(*arguments(work, "part", "--split", work / "split.json"))
    assert done.returncode == 0, done.stderr
    record = json.loads((work / "part" / "backbone" / "pretraining.json").read_text())
    assert record["part"] == "train"
    assert record["scans"] < 20


def test_of_a_split_into_folds_one_must_be_named(work):
    write_split(build_split(read_manifest(work / "scans" / "manifest.csv"), folds=3), work / "folds.json")
    done = medres(*arguments(work, "fold", "--split", work / "folds.json"))
    assert done.returncode == 2
    assert "--fold must be 0 to 2" in done.stderr
    done = medres(*arguments(work, "fold", "--split", work / "folds.json", "--fold", 1))
    assert done.returncode == 0, done.stderr
    assert json.loads((work / "fold" / "backbone" / "pretraining.json").read_text())["part"] == "train"


def test_a_training_from_the_weights_says_whom_they_had_seen(work):
    places = ("--manifest", work / "scans" / "manifest.csv", "--split", work / "split.json", "--out", work / "run")
    done = medres("train", work / "started.toml", *places)
    assert done.returncode == 0, done.stderr
    assert "were in the pretraining, without their labels" in done.stdout
    model = load_trained_model(work / "run" / "model")
    assert "in the pretraining" in model.spec.provenance["audit"]["pretraining"]
    assert model.spec.loading["coverage"] == 1.0


def test_reject_a_folder_that_holds_a_pretraining(work):
    done = medres(*arguments(work, "all"))
    assert done.returncode == 1
    assert done.stderr.startswith("E_TRAIN_OUT")
