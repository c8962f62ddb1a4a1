"""CSV tables: every number once, formulas disarmed, numbers left alone."""

from __future__ import annotations

import csv
import io

import pytest

from medres.results.evaluation_tables import build_tables, escape_cell, say_method, say_name, say_number, write_csv
from tests.medres.results.evaluation_example import example


def test_every_table_is_there_and_reads_back():
    tables = build_tables(*example())
    assert set(tables) == {
        "metrics.csv",
        "subgroups.csv",
        "reliability.csv",
        "decision_curve.csv",
        "roc.csv",
        "froc.csv",
        "confusion.csv",
    }
    rows = list(csv.DictReader(io.StringIO(tables["metrics.csv"].decode())))
    auroc = next(row for row in rows if (row["part"], row["metric"]) == ("discrimination", "auroc"))
    assert float(auroc["value"]) == example()[0].discrimination["auroc"].value
    assert "'=b" in tables["subgroups.csv"].decode()


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-site", "@x", "\t=1", "\r=1"])
def test_texts_that_look_like_formulas_are_disarmed(cell):
    assert escape_cell(cell) == f"'{cell}"


def test_numbers_keep_their_sign():
    assert escape_cell("-0.25") == "-0.25"
    assert write_csv(["a"], [[-0.5]]) == b"a\n-0.5\n"


def test_numbers_and_names_read_well():
    assert say_number(-0.0004) == "0.000"
    assert say_number(1234.5) == "1234"
    assert say_name("specificity_at_sensitivity_0.95") == "Specificity at sensitivity ≥ 0.95"
    assert say_name("worst case sensitivity") == "Worst case sensitivity"
    assert say_method("wald on log") == "Wald on the log scale"
    assert say_method("patient bootstrap, percentile") == "patient bootstrap, percentile"
