"""Ledger rows + readings -> what a service looks at each week: how much, how often flagged, has anything moved.

Knows one model's rows and readers' findings; knows no truth, no screen and no patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.evaluation.agreement import kappa, tabulate
from medres.evaluation.drift import ColumnDrift, RateDrift, compare_column, compare_rate
from medres.evaluation.estimate import Estimate
from medres.evaluation.intervals import proportion
from medres.ledger import LedgerRow
from medres.review.decisions import Progress

ANSWERED = ("positive", "negative", "indeterminate")
FEWEST_FOR_A_RATE = 20  # scans of each window below which two rates are not compared


@dataclass(frozen=True)
class Day:
    """One day's scans.

    Attributes:
        day: when they were scored, UTC, ISO 8601; "" where the ledger does not say.
        positive, negative, indeterminate: answers.
        out_of_scope: not answered, by the model.
        failed: refused by the intake, or failed.
    """

    day: str
    positive: int = 0
    negative: int = 0
    indeterminate: int = 0
    out_of_scope: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Overview:
    """What one model did.

    Attributes:
        days: in their order.
        scans: rows in all.
        flag_rate: positive among answered scans.
        out_of_scope, failed: shares of all scans.
        score_drift: scores against the model's own validation scores; None where it brings none.
        flag_drift: flag rate of the newest `window` days against the days before; None where either is too small.
    """

    days: tuple[Day, ...]
    scans: int
    flag_rate: Estimate
    out_of_scope: Estimate
    failed: Estimate
    score_drift: ColumnDrift | None
    flag_drift: RateDrift | None


def overview_of(rows: Sequence[LedgerRow], reference: ArrayLike | None = None, window: int = 7) -> Overview:
    """Count what one model did.

    Args:
        rows: of this model alone.
        reference: (n,) scores of the model's validation scans, in [0, 1]; None where it brings none.
        window: days that are held against those before.

    Returns:
        Counts, rates with intervals, and whether anything moved.

    Example:
        >>> rows = [LedgerRow("s", "m", "c", "ok", decision="positive", probability=0.9, finished_at="2026-01-02T03")]
        >>> overview_of(rows).days
        (Day(day='2026-01-02', positive=1, negative=0, indeterminate=0, out_of_scope=0, failed=0),)
    """
    kinds = Counter(map(_kind, rows))
    answered = sum(kinds[kind] for kind in ANSWERED)
    scores = np.array([row.probability for row in rows if row.probability is not None])
    return Overview(
        tuple(_day(day, found) for day, found in sorted(_by_day(rows).items())),
        len(rows),
        proportion(kinds["positive"], answered),
        proportion(kinds["out_of_scope"], len(rows)),
        proportion(kinds["failed"], len(rows)),
        None if reference is None else compare_column("score", reference, scores),
        _flag_drift(rows, window),
    )


def _kind(row: LedgerRow) -> str:
    if row.status in ("refused", "error"):
        return "failed"
    return row.decision if row.decision in ANSWERED else "out_of_scope"


def _by_day(rows: Iterable[LedgerRow]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(row.finished_at[:10], Counter())[_kind(row)] += 1
    return found


def _day(day: str, found: Counter[str]) -> Day:
    return Day(day, **{kind: found[kind] for kind in (*ANSWERED, "out_of_scope", "failed")})


def _flag_drift(rows: Sequence[LedgerRow], window: int) -> RateDrift | None:
    days = sorted({row.finished_at[:10] for row in rows if row.finished_at})
    first_new = days[-window] if len(days) > window else None
    if first_new is None:
        return None
    known = [row for row in rows if row.finished_at]
    before = _flags([row for row in known if row.finished_at[:10] < first_new])
    after = _flags([row for row in known if row.finished_at[:10] >= first_new])
    return compare_rate("flag rate", before, after) if min(before[1], after[1]) >= FEWEST_FOR_A_RATE else None


def _flags(rows: Sequence[LedgerRow]) -> tuple[int, int]:
    """Count (positive, answered)."""
    kinds = Counter(map(_kind, rows))
    return kinds["positive"], sum(kinds[kind] for kind in ANSWERED)


def reader_model_agreement(progress: Mapping[str, Mapping[str, Progress]], model_digest: str) -> tuple[Estimate, int]:
    """Hold final readings against what one model had said.

    Args:
        progress: from `progress_of`.
        model_digest: the model's.

    Returns:
        (Cohen's kappa of positive and negative, final readings left out because either side was undecided).
    """
    pairs, undecided = [], 0
    for readers in progress.values():
        for one in readers.values():
            if one.final is None or one.model.get("model_digest") != model_digest:
                continue
            pair = (one.final.finding, str(one.model.get("decision")))
            if set(pair) <= {"positive", "negative"}:
                pairs.append(pair)
            else:
                undecided += 1
    table = tabulate([a for a, _ in pairs], [b for _, b in pairs], ("positive", "negative"))
    return kappa(table, unit="reading"), undecided


def first_reading_agreement(progress: Mapping[str, Mapping[str, Progress]]) -> Estimate:
    """Hold readers' first readings, made before any opinion was shown, against each other.

    Args:
        progress: from `progress_of`.

    Returns:
        Cohen's kappa over all pairs of two readers of one study; positive, negative and unsure.
    """
    pairs = []
    for readers in progress.values():
        found = [one.first.finding for _, one in sorted(readers.items()) if one.first is not None]
        pairs += [(a, b) for n, a in enumerate(found) for b in found[n + 1 :]]
    table = tabulate([a for a, _ in pairs], [b for _, b in pairs], ("positive", "negative", "unsure"))
    return kappa(table, unit="pair of readings")
