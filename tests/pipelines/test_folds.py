"""`medres train --folds`: every fold, its out-of-fold scores, a summary; finished folds are skipped."""

from __future__ import annotations

import csv
import json

import pytest

from medres.datasets.split import build_split
from medres.datasets.split_file import write_split
from tests.medres.training import cohorts
from tests.pipelines.program import medres


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    manifest = cohorts.write_cohort(folder / "scans", 24)
    write_split(build_split(manifest, folds=3), folder / "folds.json")
    write_split(cohorts.split_of(manifest), folder / "parts.json")
    (folder / "tiny.toml").write_text(cohorts.TOML)
    return folder


def arguments(work, out, *more, config="tiny.toml", split="folds.json"):
    places = ("--manifest", work / "scans" / "manifest.csv", "--split", work / split, "--out", out)
    return ("train", work / config, *places, "--folds", *more)


@pytest.fixture(scope="module")
def trained(work):
    done = medres(*arguments(work, work / "run"))
    assert done.returncode == 0, done.stderr
    return done


def test_every_scan_is_scored_once_by_the_fold_that_never_saw_it(work, trained):
    rows = list(csv.DictReader((work / "run" / "predictions.csv").open()))
    assert len(rows) == 24
    assert {row["fold"] for row in rows} == {"0", "1", "2"}
    assert {row["label"] for row in rows} == {"healthy", "lesion"}
    scored = [row for row in rows if row["score"]]
    assert scored
    for row in scored:
        assert float(row["score_healthy"]) + float(row["score_lesion"]) == pytest.approx(1, abs=1e-6)
        assert float(row["score"]) == float(row["score_lesion"])


def test_summary_holds_pooled_and_fold_values_with_intervals(work, trained):
    found = json.loads((work / "run" / "folds.json").read_text())
    assert set(found["folds"]) == {"0", "1", "2"}
    assert 0 <= found["pooled"]["value"] <= 1
    assert found["pooled"]["n"] == found["scored"] <= found["scans"] == 24
    assert {"lower", "upper", "method"} <= set(found["pooled"])
    assert "pooled" in trained.stdout
    assert "out-of-fold AUROC" in trained.stdout


def test_the_table_can_be_evaluated_and_gives_the_same_auroc(work, trained, tmp_path):
    table = work / "run" / "predictions.csv"
    done = medres(
        "evaluate", "--predictions", table, "--positive", "lesion", "--out", tmp_path / "e", "--bootstrap", 50
    )
    assert done.returncode in (0, 3), done.stderr  # 3: some scans were out of scope and carry no score
    found = json.loads((work / "run" / "folds.json").read_text())["pooled"]["value"]
    evaluated = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    assert evaluated["discrimination"]["auroc"]["value"] == pytest.approx(found)


def test_the_same_command_again_skips_finished_folds_and_redoes_a_missing_one(work, trained, tmp_path):
    before = (work / "run" / "fold_0" / "model" / "trained_model.json").read_bytes()
    (work / "run" / "fold_1" / "model").rename(tmp_path / "aside")
    done = medres(*arguments(work, work / "run"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("already trained") == 2
    assert (work / "run" / "fold_0" / "model" / "trained_model.json").read_bytes() == before


def test_finished_folds_of_another_configuration_are_refused(work, trained):
    (work / "other.toml").write_text(cohorts.TOML.replace("epochs = 2", "epochs = 1"))
    done = medres(*arguments(work, work / "run", config="other.toml"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("E_TRAIN_OUT: a finished model must be of this experiment")


def test_folds_of_a_split_into_parts_are_refused(work, tmp_path):
    done = medres(*arguments(work, tmp_path, split="parts.json"))
    assert done.returncode == 2
    assert "E_USAGE: --folds needs a split into folds" in done.stderr
    assert "E_USAGE" in medres(*arguments(work, tmp_path, "--fold", 1)).stderr
