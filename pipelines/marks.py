"""CSV of marks and CSV of lesions per scan -> FROC numbers and curve.

Marks: `scan, score, lesion` (empty: no lesion is hit; also `image, prob, lesion`). Lesions: `scan, n_lesions` and
optionally `patient_id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medres.datasets.table import read_table
from medres.errors import EvaluationError
from medres.evaluation.localisation import Mark, froc_curve, measure_froc, measure_marks
from medres.evaluation.resampling import Resampling

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
        EvaluationError: E_EVAL_LABEL, E_EVAL_SCORE, E_EVAL_VALUE.
    """
    found = [Mark(row["scan"], _number(row["score"]), row.get("lesion", "")) for row in _rows(marks, ("scan", "score"))]
    scans = _rows(lesions, ("scan", "n_lesions"))
    counts = {row["scan"]: int(_number(row["n_lesions"])) for row in scans}
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


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a table by column name; `image` may stand for scan, `prob` or `probability` for score."""
    table = read_table(path)
    other = {"image": "scan", "prob": "score", "probability": "score", "patient": "patient_id"}
    columns = [other.get(name, name) for name in table.columns]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise EvaluationError(
            "E_EVAL_VALUE", f"the table must have the columns {', '.join(needed)}, got none for {missing[0]}"
        )
    return [dict(zip(columns, cells, strict=True)) for _, cells in table.rows]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise EvaluationError("E_EVAL_SCORE", "scores and counts must be numbers, got text among them") from None
