"""What became of every scan -> the flow from received to analysed, and the worst case in which failures are errors.

A scan that could not be read or scored is not left out silently: it is counted with its code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from medres.evaluation.confusion import Confusion, rates
from medres.evaluation.estimate import LEVEL, Estimate
from medres.evaluation.intervals import proportion

READ_FAILED, SCORE_FAILED, OUT_OF_SCOPE = "not readable", "not scored", "out of scope"
INDETERMINATE, ANALYSED = "indeterminate", "analysed"
FATES = (READ_FAILED, SCORE_FAILED, OUT_OF_SCOPE, INDETERMINATE, ANALYSED)


@dataclass(frozen=True)
class Fate:
    """What became of one scan.

    Attributes:
        label: whether its truth is positive; None where that is not known.
        fate: one of `FATES`; `indeterminate` scans have a score and belong to the analysis of scores.
        code: why it failed; empty otherwise.
    """

    label: bool | None
    fate: str
    code: str = ""


@dataclass(frozen=True)
class Flow:
    """Counts from received to analysed.

    Attributes:
        received: scans of the test set.
        readable: of them, those that could be read.
        scored: of them, those that the model gave a score.
        indeterminate: of the scored, those in the indeterminate band (scored, analysed, without a decision).
        analysed: scans in the primary analysis: every scored one.
        reasons: fate and code to the number of scans that left there.
        positives: received positives.
        failed_positives: positives that got no score.
        failed_negatives: negatives that got no score.
    """

    received: int
    readable: int
    scored: int
    indeterminate: int
    analysed: int
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    positives: int = 0
    failed_positives: int = 0
    failed_negatives: int = 0


def count_flow(fates: Sequence[Fate]) -> Flow:
    """Count what became of the scans.

    Example:
        >>> count_flow([Fate(True, "analysed"), Fate(False, "not readable", "E_TRUNCATED")]).analysed
        1
    """
    by_fate = Counter(one.fate for one in fates)
    lost = [one for one in fates if one.fate in (READ_FAILED, SCORE_FAILED, OUT_OF_SCOPE)]
    reasons = {
        fate: dict(sorted(Counter(one.code or "no code" for one in lost if one.fate == fate).items()))
        for fate in (READ_FAILED, SCORE_FAILED, OUT_OF_SCOPE)
        if by_fate[fate]
    }
    readable = len(fates) - by_fate[READ_FAILED]
    scored = readable - by_fate[SCORE_FAILED] - by_fate[OUT_OF_SCOPE]
    return Flow(
        len(fates),
        readable,
        scored,
        by_fate[INDETERMINATE],
        scored,
        reasons,
        sum(one.label is True for one in fates),
        sum(one.label is True for one in lost),
        sum(one.label is False for one in lost),
    )


def worst_case(counts: Confusion, flow: Flow, level: float = LEVEL, unit: str = "scan") -> dict[str, Estimate]:
    """Rates if every failed positive had been missed and every failed negative called positive.

    Args:
        counts: of the primary analysis.
        flow: with the failures.
        level: confidence level.
        unit: what a case is.

    Returns:
        Sensitivity, specificity, PPV, NPV, accuracy and prevalence, with Wilson's intervals.

    Source: Cohen et al., BMJ Open 2016 (STARD 2015, item 16: handling of indeterminate and missing results).

    Example:
        >>> flow = count_flow([Fate(True, "not readable", "E_TRUNCATED"), Fate(True, "analysed")])
        >>> worst_case(Confusion(1, 0, 0, 0), flow)["sensitivity"].value
        0.5
    """
    return rates(add_failures(counts, flow), "wilson", level, unit)


def add_failures(counts: Confusion, flow: Flow) -> Confusion:
    """Add failed positives to the false negatives, failed negatives to the false positives."""
    return Confusion(counts.tp, counts.fp + flow.failed_negatives, counts.fn + flow.failed_positives, counts.tn)


def failure_rate(flow: Flow, level: float = LEVEL, unit: str = "scan") -> Estimate:
    """Share of received scans that got no score, with Wilson's interval. Lower is better."""
    return proportion(flow.received - flow.scored, flow.received, level=level, unit=unit)
