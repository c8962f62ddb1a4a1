"""CSV of marks and CSV of lesions per scan -> FROC numbers and curve.

Marks: `scan, score, lesion` (empty: no lesion is hit; also `image, prob, lesion`). Lesions: `scan, n_lesions` and
optionally `patient_id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medres.datasets.table import name_rows, read_table
from medres.errors import EvaluationError
from medres.evaluation.localisation import Mark, froc_curve, measure_froc, measure_marks
from medres.evaluation.resampling import Resampling
from pipelines.prediction_checks import check_scans, read_numbers

HIT_RULE = "as the marks table says"


def read_froc(marks: Path, lesions: Path, plan: Resampling) -> dict[str, Any]:
    """Read both tables and measure.

    Args:
        marks: CSV.
        lesions: CSV with every scan, those without lesions too.
        plan: resamples, seed, level.

    Returns:
        `localisation` and `froc`, fields of the evaluation's setting.

    Raises:
        EvaluationError: E_EVAL_LABEL, E_EVAL_SCORE, E_EVAL_VALUE, E_EVAL_DUPLICATE.
    """
    marked, places = _rows(marks, ("scan", "score"))
    scores = read_numbers([row["score"] for row in marked], places, "any")
    found = [Mark(row["scan"], score, row.get("lesion", "")) for row, score in zip(marked, scores, strict=True)]
    scans, numbers = _rows(lesions, ("scan", "n_lesions"))
    check_scans([row["scan"] for row in scans], numbers)
    counts = dict(zip((row["scan"] for row in scans), _whole(scans, numbers), strict=True))
    patients = {row["scan"]: row["patient_id"] for row in scans} if "patient_id" in scans[0] else None
    return measure_lesions(found, counts, patients, plan, HIT_RULE)


def measure_lesions(
    marks: Sequence[Mark],
    lesions: Mapping[str, int],
    patients: Mapping[str, str] | None,
    plan: Resampling,
    hit_rule: str,
) -> dict[str, Any]:
    """Measure marks against lesions, wherever both came from.

    Args:
        marks: of all scans.
        lesions: number of lesions of every scan.
        patients: patient of each scan; None takes each scan for a patient.
        plan: resamples, seed, level.
        hit_rule: how marks were matched, in words.

    Returns:
        `localisation` and `froc`, fields of the evaluation's setting.
    """
    curve = froc_curve(marks, lesions)
    drawn = {name: list(map(float, getattr(curve, name))) for name in ("threshold", "false_positives", "sensitivity")}
    numbers = measure_froc(marks, lesions, plan, patients=patients) | measure_marks(marks, lesions, level=plan.level)
    return {"localisation": numbers, "froc": drawn, "hit_rule": hit_rule}


def _rows(path: Path, needed: tuple[str, ...]) -> tuple[list[dict[str, str]], list[int]]:
    """Read a table by column name; `image` may stand for scan, `prob` for score. Gives row numbers too."""
    table = read_table(path)
    other = {"image": "scan", "prob": "score", "probability": "score", "patient": "patient_id"}
    columns = [other.get(name, name) for name in table.columns]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise EvaluationError(
            "E_EVAL_VALUE", f"the table must have the columns {', '.join(needed)}, got none for {missing[0]}"
        )
    rows = [dict(zip(columns, cells, strict=True)) for _, cells in table.rows]
    return rows, [number for number, _ in table.rows]


def _whole(scans: list[dict[str, str]], numbers: list[int]) -> list[int]:
    """Read how many lesions each scan has."""
    cells = [row["n_lesions"].strip() for row in scans]
    wrong = [number for number, cell in zip(numbers, cells, strict=True) if not (cell.isascii() and cell.isdigit())]
    if wrong:
        told = f"n_lesions must be whole numbers from 0, got otherwise in {name_rows(wrong)}"
        raise EvaluationError("E_EVAL_VALUE", told)
    return [int(cell) for cell in cells]
