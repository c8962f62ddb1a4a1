"""`medres compare-networks`: the same folds for all, cost beside AUROC, an answer for each dearer network."""

from __future__ import annotations

import csv
import json

import pytest

from tests.medres.training import cohorts
from tests.pipelines.program import medres


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    cohorts.write_cohort(folder / "scans", 30)
    (folder / "tiny.toml").write_text(cohorts.TOML.replace("epochs = 2", "epochs = 1"))
    return folder


def arguments(work, networks, *more):
    places = ("--config", work / "tiny.toml", "--out", work / "compared")
    return ("compare-networks", work / "scans" / "manifest.csv", "--networks", networks, *places, *more)


@pytest.fixture(scope="module")
def compared(work):
    done = medres(*arguments(work, "resnet18:0.125,resnet10:0.125"))
    assert done.returncode == 0, done.stderr
    return done


def test_the_table_goes_from_the_cheapest_on_and_differences_are_to_it(work, compared):
    rows = list(csv.DictReader((work / "compared" / "comparison.csv").open()))
    assert [row["network"] for row in rows] == ["resnet10:0.125", "resnet18:0.125"]
    assert float(rows[0]["gflops"]) < float(rows[1]["gflops"])
    assert rows[0]["difference"] == ""
    gap = float(rows[1]["auroc"]) - float(rows[0]["auroc"])
    assert float(rows[1]["difference"]) == pytest.approx(gap, abs=2e-4)
    assert float(rows[1]["difference_lower"]) <= gap <= float(rows[1]["difference_upper"])


def test_every_dearer_network_gets_an_answer(work, compared):
    facts = json.loads((work / "compared" / "comparison.json").read_text())
    assert len(facts["answers"]) == 1
    assert facts["answers"][0].startswith("resnet18:0.125 computes ")
    assert facts["answers"][0] in compared.stdout.replace("\n", " ") or "resnet18:0.125 computes" in compared.stdout
    page = (work / "compared" / "comparison.md").read_text()
    assert facts["answers"][0] in page
    assert "minus first (95 %)" in page
    assert "Bonferroni, 1 comparison(s)" in page
    assert (work / "compared" / "comparison.png").stat().st_size > 5000


def test_the_same_command_again_trains_nothing(work, compared):
    again = medres(*arguments(work, "resnet18:0.125,resnet10:0.125"))
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("already trained") == 10


@pytest.mark.parametrize(
    ("networks", "code"),
    [("resnet18", "E_USAGE"), ("resnet18,resnet18", "E_USAGE"), ("resnet18,resnet19", "E_NETWORK_UNKNOWN"),
     ("resnet18:0.125,inception_v3:0.125", "E_INPUT_SMALL"), ("resnet18,resnet10:wide", "E_USAGE"),
     ("resnet18,resnet10:-1", "E_USAGE")],
)  # fmt: skip
def test_reject_lists_that_compare_nothing(work, networks, code):
    done = medres(*arguments(work, networks))
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(code)
