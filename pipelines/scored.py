"""What was said of each scan, from a table or from a model -> Cases, flow and a table to keep.

The one form in which `evaluate`, `compare` and `drift` hold predictions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medres.errors import EvaluationError
from medres.evaluation.abstention import measure_gate, measure_refusals
from medres.evaluation.cases import Cases, build_cases
from medres.evaluation.estimate import Estimate
from medres.evaluation.flow import (
    ANALYSED,
    INDETERMINATE,
    OUT_OF_SCOPE,
    READ_FAILED,
    SCORE_FAILED,
    Fate,
    Flow,
    count_flow,
)
from medres.evaluation.inputs import check_unique
from medres.io.privacy import SiteKey, load_site_key, pseudonym
from medres.results.evaluation_tables import write_csv

FATES = {"refused": READ_FAILED, "error": SCORE_FAILED, "out_of_scope": OUT_OF_SCOPE}
NEVER_GROUPS = re.compile(
    r"name|birth|dob|date|time|accession|mrn|uid|path|file|comment|note|leak_group|series|in_scope", re.I
)


@dataclass(frozen=True)
class ScoredRow:
    """One scan with what was said of it.

    Attributes:
        scan: its name; never shown.
        patient: its patient; "" where nobody said.
        label: true class by name.
        score: of the positive class; None where it failed.
        probabilities: by class; may be empty.
        status: ok, warned, refused, error or out_of_scope.
        code: why it failed.
        decision: positive, negative, indeterminate, or "" where nobody decided.
        columns: further cells, by column.
        belongs: whether the scan is of the kind the model is meant for; others serve to judge the gate alone.
    """

    scan: str
    patient: str
    label: str
    score: float | None
    probabilities: dict[str, float] = field(default_factory=dict)
    status: str = "ok"
    code: str = ""
    decision: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    belongs: bool = True


@dataclass(frozen=True)
class ScoredTable:
    """Scored scans.

    Attributes:
        rows: in the order they came.
        positive: name of the positive class.
        class_names: in the order of the probability columns; may be empty.
        has_patients: whether patients are named.
        notes: what a reader must know.
    """

    rows: tuple[ScoredRow, ...]
    positive: str
    class_names: tuple[str, ...] = ()
    has_patients: bool = True
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> tuple[ScoredRow, ...]:
        """Rows with a score, of scans that belong."""
        return tuple(row for row in self.rows if row.score is not None and row.belongs)

    @property
    def foreign(self) -> tuple[ScoredRow, ...]:
        """Rows of scans that do not belong."""
        return tuple(row for row in self.rows if not row.belongs)

    @property
    def negative(self) -> str:
        """Name of everything that is not positive."""
        others = {row.label for row in self.rows} - {self.positive}
        return next(iter(others)) if len(others) == 1 else f"not {self.positive}"


def to_cases(table: ScoredTable, scale: str = "probability") -> Cases:
    """Take the scored rows as cases.

    Args:
        table: any.
        scale: `probability` or `any`.

    Raises:
        EvaluationError: the refusals of `build_cases`.
    """
    check_unique([row.scan for row in table.rows])
    rows = table.scored
    if not rows:
        raise EvaluationError("E_EVAL_EMPTY", f"at least one scored scan is needed, got 0 of {len(table.rows)}")
    cases = build_cases(
        [row.label == table.positive for row in rows],
        np.array([row.score for row in rows], float),
        scans=[row.scan for row in rows],
        patients=[row.patient for row in rows] if table.has_patients else None,
        scale=scale,
        columns={name: [row.columns.get(name, "") for row in rows] for name in _groups(rows)},
    )
    return _with_classes(cases, table, rows)


def _groups(rows: Sequence[ScoredRow]) -> list[str]:
    """Columns that may become subgroups: named neither like an identifier nor like a date."""
    names = dict.fromkeys(name for row in rows for name in row.columns)
    return [name for name in names if not NEVER_GROUPS.search(name)]


def _with_classes(cases: Cases, table: ScoredTable, rows: Sequence[ScoredRow]) -> Cases:
    if len(table.class_names) < 3:
        return cases
    probabilities = np.array([[row.probabilities[name] for name in table.class_names] for row in rows])
    return replace(
        cases, classes=tuple(row.label for row in rows), class_names=table.class_names, probabilities=probabilities
    )


def to_flow(table: ScoredTable) -> Flow:
    """Count what became of every row."""
    return count_flow([Fate(row.label == table.positive, _fate(row), row.code) for row in table.rows if row.belongs])


def measure_scope(table: ScoredTable, level: float) -> dict[str, Estimate]:
    """Measure how often readable scans were called out of scope, and how often foreign ones were let through.

    Args:
        table: any; scans that could not be read or run were never judged and are left out.
        level: confidence level.
    """
    seen = [row for row in table.rows if row.score is not None or row.status == "out_of_scope"]
    judged = [row for row in seen if row.belongs]
    found = measure_refusals([row.label for row in judged], [row.score is None for row in judged], level=level)
    if len(seen) > len(judged):
        passed = [row.score is not None for row in seen]
        found |= measure_gate([row.belongs for row in seen], passed, level)
    return found


def note_foreign(table: ScoredTable) -> tuple[str, ...]:
    """Say how many scans do not belong, and how many of them were scored all the same."""
    foreign = table.foreign
    if not foreign:
        return ()
    scored = sum(row.score is not None for row in foreign)
    told = f"{len(foreign)} scans are marked as not in scope; {scored} of them were accepted and scored"
    return (f"{told}; they serve to judge the gate and are left out of every other number",)


def _fate(row: ScoredRow) -> str:
    if row.score is None:
        return FATES.get(row.status, SCORE_FAILED)
    return INDETERMINATE if row.decision == "indeterminate" else ANALYSED


def decide(rows: Sequence[ScoredRow], threshold: float | None, band: tuple[float, float] | None) -> list[str]:
    """Word the decision of each row at a threshold; a row that was called indeterminate stays so.

    Args:
        rows: any.
        threshold: None leaves every decision as it came.
        band: indeterminate scores.
    """
    said = []
    for row in rows:
        if row.score is None or threshold is None or row.decision == "indeterminate":
            said.append(row.decision if row.score is not None else "")
        elif band and band[0] <= row.score < band[1]:
            said.append("indeterminate")
        else:
            said.append("positive" if row.score >= threshold else "negative")
    return said


def predictions_csv(
    table: ScoredTable, threshold: float | None, band: tuple[float, float] | None, *, named: bool = False
) -> bytes:
    """Write the scored table so that it may be evaluated again: patients as keyed pseudonyms, scans numbered.

    Args:
        table: any.
        threshold: of the default operating point, for the decision column.
        band: indeterminate scores.
        named: scans and patients already go by the names of such a table; they are kept.

    Returns:
        CSV; a scan is named by the start of its digest, else by a keyed pseudonym, else by its row.
    """
    key = load_site_key()
    groups, foreign = _groups(table.rows), table.foreign  # asked once: each asks every row
    head: list[str] = ["scan", "patient_id", "label", "status", "code", "score", "decision"]
    head += [f"score_{name}" for name in table.class_names] + groups + (["in_scope"] if foreign else [])
    rows: list[list[Any]] = []
    for number, (row, decision) in enumerate(
        zip(table.rows, decide(table.rows, threshold, band), strict=True), start=1
    ):
        scan = row.scan if named else _safe_name(row.scan, number, key)
        patient = row.patient if named or not table.has_patients else pseudonym(key, row.patient)
        score = None if row.score is None else repr(row.score)
        cells: list[Any] = [scan, patient, row.label, row.status, row.code, score, decision]
        cells += (
            [row.probabilities.get(name) for name in table.class_names]
            if row.score is not None
            else [None] * len(table.class_names)
        )
        cells += [row.columns.get(name, "") for name in groups]
        rows.append([*cells, "yes" if row.belongs else "no"] if foreign else cells)
    return write_csv(head, rows)


def _safe_name(scan: str, number: int, key: SiteKey) -> str:
    """Name a scan so that the same scan has the same name in another table, and nothing is given away."""
    if re.fullmatch(r"[0-9a-f]{64}", scan):
        return scan[:16]
    return f"row-{number:05d}" if scan.startswith("row ") else pseudonym(key, scan)
