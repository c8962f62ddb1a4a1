"""Cells of a table of predictions -> refusals that name the rows; knows no evaluation.

Every refusal gives a code, the rows of the file and the cure; nothing is repaired silently.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from medres.datasets.table import name_rows
from medres.errors import EvaluationError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # float() also reads 0_4, which is a slip
SEEN_PARTS = {"train", "training", "validation", "valid", "val"}
TEST_PARTS = {"test", "holdout", "held-out", "external"}
SUM_TOLERANCE = 1e-3  # probabilities of a scan may miss 1 by rounding, not by more
BELONGS = {"": True, "1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


def check_columns(columns: Sequence[str], own: Collection[str]) -> None:
    """Refuse a column that only differs by case from one that has a meaning here."""
    for name in columns:
        if name not in own and name.strip().lower() in own:
            told = f"columns must be named in lower case, got {name[:20]!r}"
            raise EvaluationError("E_EVAL_VALUE", told, f"name it {name.strip().lower()}")


def check_part(rows: Sequence[Mapping[str, str]], role: str) -> None:
    """Refuse rows that a `part` (or `split`) column gives to another role."""
    parts = [(cells.get("part") or cells.get("split") or "").lower() for cells in rows]
    if role == "validation" and any(part in TEST_PARTS for part in parts):
        told = "thresholds must be chosen on validation data, got rows marked test"
        raise EvaluationError("E_EVAL_TEST_THRESHOLD", told)
    seen = sum(part in SEEN_PARTS for part in parts)
    if role == "test" and seen:
        told = f"test rows must not be training data, got {seen} marked as training or validation"
        raise EvaluationError("E_EVAL_LEAK", told)


def check_filled(cells: Sequence[str], numbers: Sequence[int], what: str) -> None:
    """Refuse empty cells of a column that must name something."""
    empty = [number for number, cell in zip(numbers, cells, strict=True) if not cell.strip()]
    if empty:
        told = f"every {what} must be named, got none in {name_rows(empty)}"
        raise EvaluationError("E_EVAL_VALUE", told, "fill the cells, or leave the column out")


def check_scans(scans: Sequence[str], numbers: Sequence[int]) -> None:
    """Refuse a scan that stands twice."""
    check_filled(scans, numbers, "scan")
    often = {name for name, count in Counter(scans).items() if count > 1}
    twice = [number for number, scan in zip(numbers, scans, strict=True) if scan in often]
    if twice:
        raise EvaluationError("E_EVAL_DUPLICATE", f"each scan must stand once, got the same in {name_rows(twice)}")


def check_labels(labels: Sequence[str], numbers: Sequence[int], positive: str | None, classes: Collection[str]) -> None:
    """Refuse labels that are empty or outside the classes.

    Args:
        labels: one for each row.
        numbers: row numbers in the file.
        positive: named positive class, or None.
        classes: names of the class columns; fewer than three leave two classes.
    """
    empty = [number for number, label in zip(numbers, labels, strict=True) if not label]
    if empty:
        raise EvaluationError("E_EVAL_LABEL", f"every label must be given, got none in {name_rows(empty)}")
    known = _known_labels(set(labels), positive, classes)
    strange = [number for number, label in zip(numbers, labels, strict=True) if known and label not in known]
    if strange:
        told = f"labels must be one of {', '.join(sorted(known))[:80]}, got others in {name_rows(strange)}"
        raise EvaluationError(
            "E_EVAL_LABEL",
            told,
            "correct them, name the positive class with --positive, or give one score column per class",
        )


def _known_labels(labels: set[str], positive: str | None, classes: Collection[str]) -> set[str]:
    """What labels may be; empty where any two names may stand."""
    if len(classes) >= 3:
        return set(classes)
    return {"0", "1"} if labels & {"0", "1"} and positive in (None, "0", "1") else set()


def check_positive(labels: Collection[str], positive: str, classes: Collection[str]) -> None:
    """Refuse a positive class that is none of the names, and more than two names without a column for each."""
    if positive not in labels and len(set(labels)) > 1 and positive not in classes:
        shown = ", ".join(sorted(labels)[:5])[:60]
        told = f"the positive class must be one of the labels ({shown}), got {positive[:20]!r}"
        raise EvaluationError("E_EVAL_LABEL", told, "name one of them with --positive")
    if len(classes) < 3 and len({*labels, positive}) > 2:
        told = f"labels must be of two classes, got {len(set(labels))} names and no column for each"
        raise EvaluationError("E_EVAL_LABEL", told)


def read_numbers(cells: Sequence[str], numbers: Sequence[int], scale: str) -> list[float]:
    """Turn the cells of a score column into finite numbers.

    Args:
        cells: texts, shape (n,).
        numbers: row numbers in the file, shape (n,).
        scale: `probability` asks for numbers in [0, 1].

    Raises:
        EvaluationError: E_EVAL_SCORE for text, NaN and infinity, E_EVAL_RANGE outside [0, 1], each with the rows.
    """
    pairs = list(zip(numbers, cells, strict=True))
    wrong = [n for n, cell in pairs if not NUMBER.fullmatch(cell.strip()) or not math.isfinite(float(cell))]
    if wrong:
        told = f"scores must be finite numbers, got otherwise in {name_rows(wrong)}"
        raise EvaluationError("E_EVAL_SCORE", told, "write each as 0.42, with a point; a failed scan has a status")
    outside = [n for n, cell in pairs if scale == "probability" and not 0 <= float(cell) <= 1]
    if outside:
        told = f"probabilities must lie in [0, 1], got others in {name_rows(outside)}"
        raise EvaluationError("E_EVAL_RANGE", told, "give probabilities, or say --scale any")
    return [float(cell) for cell in cells]


def note_sums(rows: Sequence[Sequence[float]], numbers: Sequence[int]) -> tuple[str, ...]:
    """Say which scans have class probabilities that do not sum to 1; what needs such sums is then undefined."""
    wrong = [n for n, row in zip(numbers, rows, strict=True) if row and abs(sum(row) - 1) > SUM_TOLERANCE]
    return (f"the classes' probabilities do not sum to 1 in {name_rows(wrong)} of the table",) if wrong else ()


def read_belonging(cells: Sequence[str], numbers: Sequence[int]) -> list[bool]:
    """Read the column `in_scope`: whether each scan belongs to what the model is meant for; empty is yes."""
    wrong = [n for n, cell in zip(numbers, cells, strict=True) if cell.strip().lower() not in BELONGS]
    if wrong:
        raise EvaluationError("E_EVAL_VALUE", f"in_scope must be yes or no, got otherwise in {name_rows(wrong)}")
    return [BELONGS[cell.strip().lower()] for cell in cells]
