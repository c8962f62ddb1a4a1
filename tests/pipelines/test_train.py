"""`medres train`, as a user runs it: a model, curves, lines that say what came out; faults in one sentence."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split, build_split
from medres.datasets.split_file import write_split
from medres.models.trained_model import load_trained_model
from medres.training import fit
from tests.medres.training import cohorts
from tests.pipelines.program import ROOT, medres


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    manifest = cohorts.write_cohort(folder / "scans", 20)
    write_split(cohorts.split_of(manifest), folder / "split.json")
    write_split(build_split(manifest, folds=4), folder / "folds.json")
    (folder / "tiny.toml").write_text(cohorts.TOML)
    (folder / "long.toml").write_text(cohorts.TOML.replace("epochs = 2", "epochs = 6"))
    return folder


def arguments(work, out, *more, config="tiny.toml", split="split.json"):
    places = ("--manifest", work / "scans" / "manifest.csv", "--split", work / split, "--out", out)
    return ("train", work / config, *places, *more)


def test_train_writes_model_and_curves_and_says_what_it_chose_on(work, tmp_path):
    done = medres(*arguments(work, tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert "validation AUROC" in done.stdout
    assert "no test result" in done.stdout
    assert "epoch 2: loss" in done.stderr
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert load_trained_model(tmp_path / "run" / "model").spec.name == "tiny"


def test_train_one_fold_of_a_split_into_folds(work, tmp_path):
    assert (
        "E_USAGE: a split into 4 folds needs --fold or --folds"
        in medres(*arguments(work, tmp_path, split="folds.json")).stderr
    )
    done = medres(*arguments(work, tmp_path / "run", "--fold", 1, split="folds.json"))
    assert done.returncode == 0, done.stderr
    method = load_trained_model(tmp_path / "run" / "model").spec.provenance["split_method"]
    assert "fold 1, validation fold_2" in method


@pytest.mark.slow
def test_training_killed_in_an_epoch_resumes_to_the_weights_of_an_unbroken_one(work, tmp_path):
    """A real process, a real SIGKILL."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert medres(*arguments(work, whole, config="long.toml")).returncode == 0
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments(work, cut, config="long.toml"))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        for line in process.stderr:
            if line.startswith("epoch 2"):
                time.sleep(0.05)
                process.send_signal(signal.SIGKILL)
                break
    assert not (cut / "model").exists()
    assert medres(*arguments(work, cut, "--resume", config="long.toml")).returncode == 0
    first, second = (load_trained_model(out / "model").spec.files["weights.safetensors"] for out in (whole, cut))
    assert first == second


def test_unknown_key_ends_in_one_sentence(work, tmp_path):
    (tmp_path / "x.toml").write_text(cohorts.TOML.replace("epochs", "epoch"))
    done = medres(*arguments(work, tmp_path / "run", config=tmp_path / "x.toml"))
    assert done.returncode == 1
    assert done.stderr.startswith("E_SPEC_UNKNOWN_KEY: the experiment file has no key 'training.epoch'")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_unknown_label_ends_in_one_sentence(work, tmp_path):
    (tmp_path / "x.toml").write_text(cohorts.TOML.replace('["healthy"]', '["well"]'))
    done = medres(*arguments(work, tmp_path / "run", config=tmp_path / "x.toml"))
    assert done.returncode == 1
    assert done.stderr.startswith("E_MANIFEST_LABEL")
    assert str(tmp_path) not in done.stderr


def test_second_training_into_the_same_folder_is_refused(work, tmp_path):
    assert medres(*arguments(work, tmp_path / "run")).returncode == 0
    done = medres(*arguments(work, tmp_path / "run"))
    assert done.returncode == 1
    assert done.stderr.startswith("E_TRAIN_OUT")


def test_a_finished_training_is_left_as_it_is_and_one_of_another_split_is_refused(work, tmp_path):
    assert medres(*arguments(work, tmp_path / "run")).returncode == 0
    before = (tmp_path / "run" / "model" / "trained_model.json").read_bytes()
    (tmp_path / "run" / "curves.png").unlink()
    again = medres(*arguments(work, tmp_path / "run", "--resume"))
    assert again.returncode == 0, again.stderr
    assert "already trained" in again.stdout
    assert (tmp_path / "run" / "model" / "trained_model.json").read_bytes() == before
    assert (tmp_path / "run" / "curves.png").is_file()
    other = medres(*arguments(work, tmp_path / "run", "--resume", "--fold", 0, split="folds.json"))
    assert other.returncode == 1
    assert "E_TRAIN_OUT: a finished model must be of this split" in other.stderr


def test_an_unknown_strategy_ends_in_one_sentence_with_the_nearest_name(work, tmp_path):
    done = medres(*arguments(work, tmp_path / "run", "--devices", 2, "--strategy", "dpp"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "E_USAGE: --strategy must be one of Lightning's, got 'dpp' - try ddp"


def test_starting_weights_are_shown_as_a_table(work, tmp_path):
    assert medres(*arguments(work, tmp_path / "first")).returncode == 0
    (tmp_path / "next.toml").write_text('weights = "first/model"\n' + cohorts.TOML)
    done = medres(*arguments(work, tmp_path / "second", config=tmp_path / "next.toml"))
    assert done.returncode == 0, done.stderr
    assert "100.0 % of the backbone" in done.stdout
    assert "missing" in done.stdout


def test_an_experiment_that_cannot_fit_the_memory_is_refused_before_it_begins(work, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "free_memory", lambda device: 6_000_000)
    done = medres(*arguments(work, tmp_path / "run"))
    assert done.returncode == 1
    assert "E_TRAIN_MEMORY: a step of 8 must fit" in done.stderr
    assert "fits" in done.stderr
    assert not (tmp_path / "run").exists()  # no scan was prepared for nothing


def test_a_full_disk_ends_in_one_sentence_and_the_training_goes_on_once_there_is_space(work, tmp_path):
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, usual[1]))
    try:
        done = medres(*arguments(work, tmp_path / "run"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("E_DISK_FULL: ")
    assert "go on with --resume" in done.stderr
    assert not list(tmp_path.rglob("*.tmp"))
    assert medres(*arguments(work, tmp_path / "run", "--resume")).returncode == 0


def test_a_class_with_one_patient_is_refused_before_any_scan_is_read(work, tmp_path):
    lines = (work / "scans" / "manifest.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if ",lesion," not in line or line.startswith("p1,")]
    few = work / "scans" / "few.csv"
    few.write_text("".join(kept))
    scans = read_manifest(few)
    parts = {"train": tuple(row.key for row in scans.rows), "validation": (), "test": ()}
    write_split(Split(parts, scans.digest, 0, "all"), tmp_path / "split.json")
    places = ("--manifest", few, "--split", tmp_path / "split.json", "--out", tmp_path / "run")
    done = medres("train", work / "tiny.toml", *places)
    assert done.returncode == 1
    assert "E_TRAIN_CLASS: each label must have at least 2 patients in training, got 1 for 'lesion'" in done.stderr
    assert not (tmp_path / "run").exists()


def test_rates_are_swept_and_drawn_and_nothing_is_trained(work, tmp_path):
    done = medres(*arguments(work, tmp_path / "run", "--find-rate"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("learning_rate = ")
    assert (tmp_path / "run" / "learning_rates.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "run" / "model").exists()


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(work, tmp_path):
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments(work, tmp_path / "run", config="long.toml"))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        for line in process.stderr:
            if line.startswith("epoch 2"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "stopped: finished epochs are kept; go on with the same command and --resume" in rest
    assert (tmp_path / "run" / "run" / "last.ckpt").is_file()
