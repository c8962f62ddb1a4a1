"""`medres plan` writes an experiment that `medres train` takes as it is, each choice with its reason."""

from __future__ import annotations

import json

from medres.training.toml_file import read_experiment
from tests.medres.training import cohorts
from tests.pipelines.program import medres


def test_plan_of_pictures_is_written_with_reasons_and_trained_as_it_is(tmp_path):
    cohorts.write_pictures(tmp_path / "scans", 30)
    table = tmp_path / "scans" / "manifest.csv"
    done = medres("plan", table, "--positive", "malignant", "--rest", "--out", tmp_path / "plan")
    assert done.returncode == 0, done.stderr
    assert "Expected here" in done.stdout
    found = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert found["fingerprint"]["labels"] == {"benign": 10, "malignant": 10, "normal": 10}
    assert all(choice["reason"] for choice in found["choices"])
    assert found["machine"]["all_folds_minutes"] >= 0
    batch = next(choice["reason"] for choice in found["choices"] if choice["key"] == "batch_size")
    assert batch.endswith("32 would be usual, 30 scans should make 8 steps")
    experiment = read_experiment(tmp_path / "plan" / "experiment.toml")
    assert experiment.labels.names == ("not malignant", "malignant")
    text = (tmp_path / "plan" / "experiment.toml").read_text()
    (tmp_path / "plan" / "experiment.toml").write_text(
        text.replace(f"epochs = {experiment.training.epochs}", "epochs = 1")
    )
    edited = (tmp_path / "plan" / "experiment.toml").read_bytes()
    again = medres("plan", table, "--positive", "malignant", "--out", tmp_path / "plan")
    assert again.stderr.splitlines()[-1].startswith("E_TRAIN_OUT: the output folder must be free, got one with exper")
    assert (tmp_path / "plan" / "experiment.toml").read_bytes() == edited
    split = tmp_path / "split.json"
    assert medres("split", table, "--out", split).returncode == 0
    places = ("--manifest", table, "--split", split, "--out", tmp_path / "run")
    trained = medres("train", tmp_path / "plan" / "experiment.toml", *places)
    assert trained.returncode == 0, trained.stderr


def test_the_positive_label_is_never_guessed(tmp_path):
    cohorts.write_pictures(tmp_path / "scans", 9)
    done = medres("plan", tmp_path / "scans" / "manifest.csv", "--out", tmp_path / "plan")
    assert done.returncode == 2
    assert done.stderr.startswith("E_USAGE: --positive must be one of benign, malignant, normal, got none")
