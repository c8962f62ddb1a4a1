"""`medres drift`: a reference window and a new one -> have scores, inputs, flags or failures changed; alert or not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from medres.datasets.table import Table, name_rows, read_table
from medres.errors import DatasetError, EvaluationError
from medres.evaluation.drift import ALERT_LEVEL, PSI_ALERT, DriftRule, compare_rate, compare_windows
from medres.results.disclaimer import DISCLAIMER
from medres.results.evaluation_json import to_bytes, to_plain
from medres.results.evaluation_tables import say_estimate, say_number
from medres.results.writing import write_bytes
from pipelines import console

FAILED = ("refused", "error", "out_of_scope")
NOT_INPUTS = ("label", "threshold", "seconds", "row", "number")
SCORES = ("score", "probability")


def run(
    reference: Path,
    new: Path,
    out: Path | None = None,
    threshold: float | None = None,
    psi: float = PSI_ALERT,
    alpha: float = ALERT_LEVEL,
) -> int:
    """Compare both windows, write and show; exit status 3 where the rule asks for an alert."""
    if not 0 < alpha < 1 or not 0 <= psi < math.inf:
        raise EvaluationError(
            "E_EVAL_VALUE", f"--alpha must lie in (0, 1) and --psi be at least 0, got {alpha:g} and {psi:g}"
        )
    if threshold is not None and not math.isfinite(threshold):
        raise EvaluationError("E_EVAL_VALUE", f"--threshold must be a finite number, got {threshold:g}")
    windows = [_read(path) for path in (reference, new)]
    rule = DriftRule(psi, alpha)
    numbers = [_numbers(rows) for rows in windows]
    columns = compare_windows(numbers[0], numbers[1], rule)
    rates = [compare_rate("failure rate", _failures(windows[0]), _failures(windows[1]), rule)]
    flags = [_flags(rows, threshold) for rows in windows]
    if all(n for _, n in flags):
        rates.append(compare_rate("flag rate", flags[0], flags[1], rule))
    alert = any(one.alert for one in columns) or any(one.alert for one in rates)
    document = {
        "schema_version": 1,
        "kind": "drift",
        "disclaimer": DISCLAIMER,
        "rule": {"psi": psi, "alpha": alpha, "columns": len(columns), "correction": "Bonferroni over columns"},
        "rows": [len(rows) for rows in windows],
        "columns": columns,
        "rates": rates,
        "alert": alert,
    }
    if out is not None:
        write_bytes(out / "drift.json", to_bytes(to_plain(document, {})), "the drift report")
    _show(columns, rates, alert)
    if alone := sorted(set(numbers[0]) ^ set(numbers[1])):
        console.say(f"note: numbers in one window alone, so not compared: {', '.join(alone)}")
    return console.EXIT_SOME_REFUSED if alert else console.EXIT_OK


def _read(path: Path) -> list[dict[str, str]]:
    """Read a window; its faults are told as those of a window."""
    try:
        table = read_table(path / "predictions.csv" if path.is_dir() else path)
    except DatasetError as fault:
        told = fault.what.replace("the manifest", "a window")
        raise DatasetError(fault.code, told, "give a CSV in UTF-8 with a header and a row for each scan") from None
    _check_scores(table)
    return [dict(zip(table.columns, cells, strict=True)) for _, cells in table.rows]


def _check_scores(table: Table) -> None:
    """Refuse a score that is no finite number: left out silently it would hide what drifted."""
    for name in SCORES:
        place = table.columns.index(name) if name in table.columns else None
        wrong = [n for n, cells in table.rows if place is not None and cells[place] and _floats([cells[place]]) is None]
        if wrong:
            told = f"scores must be finite numbers, got otherwise in {name_rows(wrong)}"
            raise EvaluationError("E_EVAL_SCORE", told, "leave the cell of a scan that failed empty")


def _numbers(rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """Columns that hold numbers, empty cells left out; the score first."""
    names = sorted(rows[0], key=lambda name: name not in SCORES)
    found = {}
    for name in names:
        cells = [row[name] for row in rows if row[name]]
        if name in NOT_INPUTS or not cells:
            continue
        values = _floats(cells)
        if values is not None:
            found[name] = values
    return found


def _floats(cells: list[str]) -> np.ndarray | None:
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _failures(rows: list[dict[str, str]]) -> tuple[int, int]:
    """Scans without a score among all."""
    return sum(row.get("status") in FAILED for row in rows), len(rows)


def _flags(rows: list[dict[str, str]], threshold: float | None) -> tuple[int, int]:
    """Scans called positive among those that were decided, or at or above a threshold."""
    if threshold is None:
        decided = [row["decision"] for row in rows if row.get("decision") in ("positive", "negative", "indeterminate")]
        return decided.count("positive"), len(decided)
    name = next((name for name in SCORES if name in rows[0]), None)
    values = None if name is None else _floats([row[name] for row in rows if row[name]])
    return (0, 0) if values is None else (int(np.sum(values >= threshold)), int(values.size))


def _show(columns: Any, rates: Any, alert: bool) -> None:
    """Print what changed."""
    rows = [
        [
            one.name,
            say_number(one.median_reference),
            say_number(one.median_new),
            say_number(one.psi),
            _chance(one.p),
            _alert(one.alert) or one.reason,
        ]
        for one in columns
    ]
    rows += [
        [one.name, say_estimate(one.reference), say_estimate(one.new), "", _chance(one.p), _alert(one.alert)]
        for one in rates
    ]
    console.table("", ["column", "reference (median)", "new (median)", "PSI", "p", ""], rows)
    console.say("ALERT: look before you trust new scores" if alert else "no alert")


def _chance(p: float | None) -> str:
    return "" if p is None else f"{p:.3g}"


def _alert(is_alert: bool) -> str:
    return "ALERT" if is_alert else ""
