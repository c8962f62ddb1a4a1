"""CSV of `patient_id, scan, label, score` or one column per class -> ScoredTable; nothing is guessed.

Also reads what `medres evaluate` writes, and a model's `validation.csv`.
"""

from __future__ import annotations

import re
from pathlib import Path

from medres.datasets.table import Table, name_rows, read_table
from medres.errors import DatasetError, EvaluationError
from pipelines import prediction_checks as checks
from pipelines.scored import ScoredRow, ScoredTable

IN_SCOPE = "in_scope"
PATIENT, SCAN, SCORE = ("patient_id", "patient"), ("scan", "scan_id", "image"), ("score", "probability")
OWN = {*PATIENT, *SCAN, *SCORE, IN_SCOPE, "label", "status", "code", "decision", "part", "split"}
CLASS = re.compile(r"^(?:score|probability)_(.+)$")
FAILED = ("refused", "error", "out_of_scope")
DECISIONS = ("positive", "negative", "indeterminate")
TRUE = {"1": "1", "1.0": "1", "true": "1", "0": "0", "0.0": "0", "false": "0"}


def read_predictions(
    path: Path, positive: str | None = None, *, role: str = "test", scale: str = "probability"
) -> ScoredTable:
    """Read a table of predictions.

    Args:
        path: CSV.
        positive: name of the positive class; None where labels are 0 and 1.
        role: `test` or `validation`: rows that a `part` column gives to the other are refused.
        scale: `probability` refuses scores outside [0, 1]; `any` takes every finite number.

    Returns:
        The table.

    Raises:
        DatasetError: the file is no CSV.
        EvaluationError: E_EVAL_LABEL, E_EVAL_SCORE, E_EVAL_RANGE, E_EVAL_DUPLICATE, E_EVAL_LEAK,
            E_EVAL_TEST_THRESHOLD, E_EVAL_VALUE.
    """
    table = _read(path)
    named = [dict(zip(table.columns, cells, strict=True)) for _, cells in table.rows]
    checks.check_part(named, role)
    numbers = [number for number, _ in table.rows]
    labels = [TRUE.get(cells["label"].lower(), cells["label"]) for cells in named]
    classes = _class_columns(table, labels)
    checks.check_labels(labels, numbers, positive and TRUE.get(positive.lower(), positive), classes)
    positive, notes = _choose_positive(positive, set(labels), classes)
    checks.check_positive(set(labels), positive, classes)
    scores = _read_scores(named, numbers, [_score_column(table, positive, classes), *classes.values()], scale)
    rows = _build_rows(table, named, labels, list(classes), scores)
    notes += checks.note_sums([row[1:] for row in scores], numbers) if len(classes) >= 3 and scale != "any" else ()
    return ScoredTable(tuple(rows), positive, tuple(classes), _first(PATIENT, table) is not None, notes)


def _read_scores(
    named: list[dict[str, str]], numbers: list[int], columns: list[str], scale: str
) -> list[tuple[float, ...]]:
    """Read the score columns of every row; a scan that failed has none, and must have none."""
    failed = [not cells[columns[0]] and (cells.get("code") or cells.get("status") in FAILED) for cells in named]
    told = [n for n, cells in zip(numbers, named, strict=True) if cells.get("status") in FAILED and cells[columns[0]]]
    if told:
        what = f"a scan whose status is refused, error or out_of_scope must have no score, got one in {name_rows(told)}"
        raise EvaluationError("E_EVAL_SCORE", what, "empty the score, or correct the status")
    kept = [place for place, gone in enumerate(failed) if not gone]
    read = [
        checks.read_numbers([named[place][name] for place in kept], [numbers[place] for place in kept], scale)
        for name in columns
    ]
    by_place = dict(zip(kept, zip(*read, strict=True), strict=True))
    return [by_place.get(place, ()) for place in range(len(named))]


def _first(names: tuple[str, ...], table: Table) -> str | None:
    return next((name for name in names if name in table.columns), None)


def _build_rows(
    table: Table, named: list[dict[str, str]], labels: list[str], classes: list[str], scores: list[tuple[float, ...]]
) -> list[ScoredRow]:
    numbers = [number for number, _ in table.rows]
    patient, scan = _first(PATIENT, table), _first(SCAN, table)
    if patient:
        checks.check_filled([cells[patient] for cells in named], numbers, "patient")
    if scan:
        checks.check_scans([cells[scan] for cells in named], numbers)
    belongs = checks.read_belonging([cells.get(IN_SCOPE, "") for cells in named], numbers)
    return [
        ScoredRow(
            scan=cells[scan] if scan else f"row {number}",
            patient=cells[patient] if patient else "",
            label=label,
            score=given[0] if given else None,
            probabilities=dict(zip(classes, given[1:], strict=True)) if given else {},
            status=cells.get("status") or ("ok" if given else "error"),
            code=cells.get("code", ""),
            decision=cells.get("decision", "") if cells.get("decision") in DECISIONS else "",
            columns={name: cell for name, cell in cells.items() if _may_group(name)},
            belongs=inside,
        )
        for number, cells, label, given, inside in zip(numbers, named, labels, scores, belongs, strict=True)
    ]


def _read(path: Path) -> Table:
    """Read the CSV; its faults are told as those of a table of predictions."""
    try:
        table = read_table(path)
    except DatasetError as fault:
        told = fault.what.replace("the manifest", "the table")
        raise DatasetError(fault.code, told, "save it as CSV in UTF-8 with a header") from None
    checks.check_columns(table.columns, OWN)
    if "label" not in table.columns:
        raise EvaluationError("E_EVAL_LABEL", "the table must have a column label", "add it: 0 and 1, or class names")
    return table


def _class_columns(table: Table, labels: list[str]) -> dict[str, str]:
    """Find one column per class: `score_<class>`, `probability_<class>`, or a column named like a label."""
    found = {match.group(1): name for name in table.columns if (match := CLASS.match(name))}
    if found:
        return found
    bare = {name: name for name in table.columns if name in set(labels) and name not in OWN}
    return bare if len(bare) >= 2 else {}


def _choose_positive(positive: str | None, labels: set[str], classes: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    if positive is not None:
        return TRUE.get(positive.lower(), positive), ()
    if labels <= {"0", "1"}:
        return "1", ()
    if len(classes) >= 3:
        name = list(classes)[-1]
        return name, (
            f"no positive class was named: the two-class part takes {name} against the rest (see --positive)",
        )
    told = f"the positive class must be named, got labels {', '.join(sorted(labels)[:5])[:60]}"
    raise EvaluationError("E_EVAL_LABEL", told, "name it with --positive")


def _score_column(table: Table, positive: str, classes: dict[str, str]) -> str:
    """Find the positive class's score."""
    if positive in classes:
        return classes[positive]
    for name in SCORE:
        if name in table.columns:
            return name
    raise EvaluationError("E_EVAL_SCORE", "the table must have a column score, or one column per class", "add it")


def _may_group(name: str) -> bool:
    return name not in OWN and not name.startswith(("score", "probability"))
