"""Scored rows become cases, a flow and a table that can be read again."""

import time
from dataclasses import replace

import pytest

from medres.errors import EvaluationError
from pipelines.prediction_table import read_predictions
from pipelines.scored import (
    ScoredRow,
    ScoredTable,
    decide,
    measure_scope,
    note_foreign,
    predictions_csv,
    to_cases,
    to_flow,
)

ROWS = (
    ScoredRow("a", "p", "ill", 0.9, columns={"site": "x", "birth_date": "1.1.", "in_scope": "yes"}),
    ScoredRow("b", "q", "well", 0.2, decision="indeterminate", columns={"site": "y"}),
    ScoredRow("c", "r", "ill", None, status="refused", code="E_TRUNCATED"),
    ScoredRow("d", "s", "well", None, status="out_of_scope", code="E_SCOPE_BODY"),
    ScoredRow("e", "t", "well", 0.7, belongs=False),
)
TABLE = ScoredTable(ROWS, "ill")


def test_scored_rows_that_belong_become_cases_and_dates_no_groups():
    cases = to_cases(TABLE)
    assert cases.scans.tolist() == ["a", "b"]
    assert cases.labels.tolist() == [True, False]
    assert cases.columns == {"site": ["x", "y"]}


def test_every_row_that_belongs_is_in_the_flow():
    flow = to_flow(TABLE)
    assert (flow.received, flow.readable, flow.scored, flow.indeterminate, flow.analysed) == (4, 3, 2, 1, 2)
    assert (flow.positives, flow.failed_positives, flow.failed_negatives) == (2, 1, 1)


def test_the_gate_is_judged_on_readable_scans_and_foreign_ones():
    found = measure_scope(TABLE, 0.95)
    assert {name: (one.x, one.n) for name, one in found.items()} == {
        "accepted_in_scope": (2, 3),
        "out_of_scope": (1, 3),
        "out_of_scope where ill": (0, 1),
        "out_of_scope where well": (1, 2),
        "accepted_out_of_scope": (1, 1),
    }
    assert "1 scans are marked as not in scope; 1 of them were accepted" in note_foreign(TABLE)[0]
    assert note_foreign(ScoredTable(ROWS[:2], "ill")) == ()


def test_decisions_follow_threshold_and_band_and_stay_indeterminate():
    assert decide(ROWS[:4], 0.5, None) == ["positive", "indeterminate", "", ""]
    assert decide(ROWS[:1], 0.5, (0.85, 0.95)) == ["indeterminate"]
    assert decide(ROWS[:2], None, None) == ["", "indeterminate"]


def test_the_written_table_names_nobody_and_reads_back_to_the_same_flow(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "config"))
    text = predictions_csv(TABLE, 0.5, None)
    (tmp_path / "p.csv").write_bytes(text)
    again = read_predictions(tmp_path / "p.csv", "ill")
    assert to_flow(again) == to_flow(TABLE)
    assert [row.score for row in again.rows] == [row.score for row in ROWS]
    assert [row.belongs for row in again.rows] == [row.belongs for row in ROWS]
    assert not {row.scan for row in ROWS} & {row.scan for row in again.rows}
    assert "1.1." not in text.decode()


def test_reject_a_table_without_a_score_and_a_scan_that_stands_twice():
    with pytest.raises(EvaluationError, match=r"E_EVAL_EMPTY: .* got 0 of 1"):
        to_cases(ScoredTable(ROWS[2:3], "ill"))
    with pytest.raises(EvaluationError, match="E_EVAL_DUPLICATE"):
        to_cases(ScoredTable((ROWS[0], ROWS[0]), "ill"))


def test_long_tables_are_written_in_time_that_grows_with_their_rows():
    table = ScoredTable(tuple(replace(ROWS[0], scan=f"s{k}", patient=f"p{k}") for k in range(20_000)), "ill")
    start = time.process_time()
    assert predictions_csv(table, 0.5, None).count(b"\n") == 20_001
    assert time.process_time() - start < 10  # asking every row about every other one takes half a minute and more
