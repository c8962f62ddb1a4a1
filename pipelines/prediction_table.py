"""CSV of `patient_id, scan, label, score` or one column per class -> ScoredTable; nothing is guessed.

Also reads what `medres evaluate` writes, and a model's `validation.csv`.
"""

from __future__ import annotations

import re
from pathlib import Path

from medres.datasets.table import Table, name_rows, read_table
from medres.errors import DatasetError, EvaluationError
from pipelines.scored import ScoredRow, ScoredTable

PATIENT, SCAN, SCORE = ("patient_id", "patient"), ("scan", "scan_id", "image"), ("score", "probability")
OWN = {*PATIENT, *SCAN, *SCORE, "label", "status", "code", "decision", "part", "split"}
CLASS = re.compile(r"^(?:score|probability)_(.+)$")
SEEN_PARTS = {"train", "training", "validation", "valid", "val"}
DECISIONS = ("positive", "negative", "indeterminate")
TRUE = {"1": "1", "1.0": "1", "true": "1", "0": "0", "0.0": "0", "false": "0"}


def read_predictions(path: Path, positive: str | None = None, *, role: str = "test") -> ScoredTable:
    """Read a table of predictions.

    Args:
        path: CSV.
        positive: name of the positive class; None where labels are 0 and 1.
        role: `test` or `validation`: rows that a `part` column gives to the other are refused.

    Returns:
        The table.

    Raises:
        DatasetError: the file is no CSV.
        EvaluationError: E_EVAL_LABEL, E_EVAL_SCORE, E_EVAL_LEAK, E_EVAL_TEST_THRESHOLD, E_EVAL_VALUE.
    """
    table = _read(path)
    named = [dict(zip(table.columns, cells, strict=True)) for _, cells in table.rows]
    numbers = [number for number, _ in table.rows]
    _check_part(named, role)
    label_of = [TRUE.get(cells["label"].lower(), cells["label"]) for cells in named]
    classes = _class_columns(table, label_of)
    positive, notes = _choose_positive(positive, set(label_of), classes)
    _check_label_names(label_of, positive, classes, numbers)
    column = _score_column(table, positive, classes)
    patients = next((name for name in PATIENT if name in table.columns), None)
    scans = next((name for name in SCAN if name in table.columns), None)
    rows = []
    for number, cells, label in zip(numbers, named, label_of, strict=True):
        failed = not cells[column] and bool(
            cells.get("code") or cells.get("status") in ("refused", "error", "out_of_scope")
        )
        rows.append(
            ScoredRow(
                scan=cells[scans] if scans else f"row {number}",
                patient=cells[patients] if patients else "",
                label=label,
                score=None if failed else _number(cells[column], number),
                probabilities={} if failed else {name: _number(cells[c], number) for name, c in classes.items()},
                status=cells.get("status") or ("error" if failed else "ok"),
                code=cells.get("code", ""),
                decision=cells.get("decision", "") if cells.get("decision") in DECISIONS else "",
                columns={name: cell for name, cell in cells.items() if _may_group(name)},
            )
        )
    return ScoredTable(tuple(rows), positive, tuple(classes), patients is not None, notes)


def _read(path: Path) -> Table:
    """Read the CSV; its faults are told as those of a table of predictions."""
    try:
        table = read_table(path)
    except DatasetError as fault:
        told = fault.what.replace("the manifest", "the table")
        raise DatasetError(fault.code, told, "save it as CSV in UTF-8 with a header") from None
    if "label" not in table.columns:
        raise EvaluationError("E_EVAL_LABEL", "the table must have a column label", "add it: 0 and 1, or class names")
    return table


def _check_part(rows: list[dict[str, str]], role: str) -> None:
    """Refuse rows that a `part` (or `split`) column gives to another role."""
    parts = [(cells.get("part") or cells.get("split") or "").lower() for cells in rows]
    if role == "validation" and any(part in ("test", "holdout", "held-out", "external") for part in parts):
        raise EvaluationError(
            "E_EVAL_TEST_THRESHOLD", "thresholds must be chosen on validation data, got rows marked test"
        )
    seen = sum(part in SEEN_PARTS for part in parts)
    if role == "test" and seen:
        raise EvaluationError(
            "E_EVAL_LEAK", f"test rows must not be training data, got {seen} marked as training or validation"
        )


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


def _check_label_names(labels: list[str], positive: str, classes: dict[str, str], numbers: list[int]) -> None:
    """Refuse empty labels, and labels outside the classes."""
    empty = [number for number, label in zip(numbers, labels, strict=True) if not label]
    if empty:
        raise EvaluationError("E_EVAL_LABEL", f"every label must be given, got none in {name_rows(empty)}")
    outside = [n for n, label in zip(numbers, labels, strict=True) if len(classes) >= 3 and label not in classes]
    if outside:
        raise EvaluationError(
            "E_EVAL_LABEL", f"labels must be one of the {len(classes)} classes, got others in {name_rows(outside)}"
        )
    if len(classes) < 3 and len(set(labels) | {positive}) > 2:
        told = f"labels must be of two classes, got {len(set(labels))} names and no column for each"
        raise EvaluationError("E_EVAL_LABEL", told)


def _score_column(table: Table, positive: str, classes: dict[str, str]) -> str:
    """Find the positive class's score."""
    if positive in classes:
        return classes[positive]
    for name in SCORE:
        if name in table.columns:
            return name
    raise EvaluationError("E_EVAL_SCORE", "the table must have a column score, or one column per class", "add it")


def _number(cell: str, row: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise EvaluationError("E_EVAL_SCORE", f"scores must be numbers, got otherwise in row {row}") from None


def _may_group(name: str) -> bool:
    return name not in OWN and not name.startswith(("score", "probability"))
