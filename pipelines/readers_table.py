"""CSV of `scan, reader, decision` (or `rating`, perhaps `way`) -> readers against a model, and against each other."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from medres.datasets.table import name_rows, read_table
from medres.errors import EvaluationError
from medres.evaluation.agreement import kappa, tabulate
from medres.evaluation.cases import Cases
from medres.evaluation.comparison import compare_auroc, compare_decisions
from medres.evaluation.readers import compare_ways
from pipelines.prediction_checks import NUMBER
from pipelines.scored import ScoredTable

YES = {"1": True, "positive": True, "yes": True, "0": False, "negative": False, "no": False}


def compare_readers(
    path: Path, side: tuple[ScoredTable, float | None], cases: Cases, decisions: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, Any]:
    """Compare the first side with every reader, readers with each other, and ways of reading.

    Args:
        path: CSV: scan, reader, and decision (0/1) or rating (a number); `way` where cases were read in several ways.
        side: the first side; its scans are those that readers must have read.
        cases: aligned cases of the first side.
        decisions: of both sides, or None.

    Returns:
        By reader: McNemar against the first side's decisions, paired AUROC against its scores; `kappa` of each pair of
        readers; `ways` by Obuchowski-Rockette where there are several ways and readers.

    Raises:
        EvaluationError: E_EVAL_VALUE for missing columns and cells that are neither, E_EVAL_DUPLICATE, E_EVAL_LENGTH
            where a reader did not read every scan.
    """
    read, kind = _read(path, cases)
    found: dict[str, Any] = {}
    first_way = next(iter(read))
    for reader, values in read[first_way].items():
        if kind == "decision" and decisions is not None:
            found[f"first against reader {reader}"] = compare_decisions(cases.labels, decisions[0], values.astype(bool))
        elif kind == "rating":
            found[f"first against reader {reader}"] = {
                "auroc": compare_auroc(cases.labels, cases.scores, values, cases.patients)
            }
    if kind == "decision":
        found["kappa"] = {
            f"{a} and {b}": _kappa(read[first_way][a], read[first_way][b]) for a, b in combinations(read[first_way], 2)
        }
    elif len(read) > 1 and all(len(readers) > 1 for readers in read.values()):
        table = np.array([[readers[name] for name in read[first_way]] for readers in read.values()])
        found["ways"] = {
            "names": list(read),
            "readers": list(read[first_way]),
            "study": compare_ways(cases.labels, table),
        }
    return found


def _kappa(first: np.ndarray, second: np.ndarray) -> Any:
    texts = [["positive" if one else "negative" for one in side] for side in (first, second)]
    return kappa(tabulate(texts[0], texts[1], ["negative", "positive"]))


def _read(path: Path, cases: Cases) -> tuple[dict[str, dict[str, np.ndarray]], str]:
    """Read values by way and reader, in the order of the cases."""
    table = read_table(path)
    rows = [dict(zip(table.columns, cells, strict=True)) for _, cells in table.rows]
    kind = next((name for name in ("decision", "rating") if name in table.columns), None)
    if kind is None or not {"scan", "reader"} <= set(table.columns):
        raise EvaluationError("E_EVAL_VALUE", "a readers' table must have scan, reader, and decision or rating")
    numbers = [number for number, _ in table.rows]
    _check_rows(rows, numbers, kind)
    place = {name: index for index, name in enumerate(cases.scans)}
    found: dict[str, dict[str, np.ndarray]] = {}
    for row in rows:
        values = found.setdefault(row.get("way", ""), {}).setdefault(row["reader"], np.full(cases.n, np.nan))
        if row["scan"] in place:
            values[place[row["scan"]]] = _value(row[kind], kind)
    for readers in found.values():
        missing = max(int(np.isnan(values).sum()) for values in readers.values())
        if missing:
            raise EvaluationError(
                "E_EVAL_LENGTH",
                f"every reader must read each of {cases.n} scans, got one with {missing} unread",
                "add the missing readings, or leave the reader out",
            )
    return found, kind


def _check_rows(rows: list[dict[str, str]], numbers: list[int], kind: str) -> None:
    """Refuse cells that are no decision or rating, and a scan that a reader read twice in one way."""
    wrong = [n for n, row in zip(numbers, rows, strict=True) if np.isnan(_value(row[kind], kind))]
    if wrong:
        rule = "numbers" if kind == "rating" else "positive or negative (1 or 0, yes or no)"
        raise EvaluationError("E_EVAL_VALUE", f"a {kind} must be one of {rule}, got otherwise in {name_rows(wrong)}")
    keys = [(row.get("way", ""), row["reader"], row["scan"]) for row in rows]
    often = {key for key, count in Counter(keys).items() if count > 1}
    twice = [number for number, key in zip(numbers, keys, strict=True) if key in often]
    if twice:
        told = f"a reader must read each scan once in each way, got more in {name_rows(twice)}"
        raise EvaluationError("E_EVAL_DUPLICATE", told, "keep one row for each reading")


def _value(cell: str, kind: str) -> float:
    """Read a decision or a rating; NaN for what is neither."""
    if kind == "decision":
        return float(YES[cell.lower()]) if cell.lower() in YES else float("nan")
    value = float(cell) if NUMBER.fullmatch(cell) else float("nan")
    return value if np.isfinite(value) else float("nan")
