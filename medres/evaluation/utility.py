"""Labels and probabilities -> net benefit of acting on them, against treating all and treating none.

The threshold is a probability: the harm of a needless work-up over the benefit of a needed one. Higher is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation import replicates
from medres.evaluation.curves import Statistic, run
from medres.evaluation.inputs import check_probabilities
from medres.evaluation.resampling import RankedCases, Resampling, rank_cases, resample

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(1, 100))
NO_BAND = Resampling(resamples=0)


@dataclass(frozen=True)
class DecisionPoint:
    """One threshold probability of a decision curve.

    Attributes:
        threshold: probability at which one would act, in (0, 1).
        tp: true positives there.
        fp: false positives there.
        net_benefit: of the model, per case; at most the prevalence.
        net_benefit_all: of acting on everybody.
        net_benefit_none: of acting on nobody, 0.
        lower: lower end of the bootstrap band of the model; None without resamples.
        upper: upper end.
        standardised: net benefit over the prevalence; None without positives.
        interventions_avoided: per 100 cases, against acting on everybody at equal true positives.
        method: of the band.
    """

    threshold: float
    tp: int
    fp: int
    net_benefit: float
    net_benefit_all: float
    net_benefit_none: float
    lower: float | None
    upper: float | None
    standardised: float | None
    interventions_avoided: float
    method: str


def decision_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    thresholds: Sequence[float] = THRESHOLDS,
    plan: Resampling = NO_BAND,
    *,
    drawn: np.ndarray | None = None,
) -> tuple[DecisionPoint, ...]:
    """Net benefit at each threshold probability, with a bootstrap band.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: calibrated probabilities, shape (n,), in [0, 1].
        thresholds: probabilities in (0, 1).
        plan: how the band is drawn, pointwise; without resamples there is none.
        drawn: net benefit of resamples that were drawn already, shape (resamples, thresholds).

    Returns:
        One point for each threshold: TP/n - FP/n x t/(1 - t).

    Raises:
        EvaluationError: E_EVAL_RANGE for scores that are no probabilities, E_EVAL_VALUE for a threshold of 0 or 1.

    Source: Vickers and Elkin, Med Decis Making 2006; Vickers et al., BMJ 2016 (interventions avoided).

    Example:
        >>> round(decision_curve([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], [0.5])[0].net_benefit, 4)
        0.0
    """
    check_probabilities(y_score)
    at = np.asarray(thresholds, float)
    if at.size and (at.min() <= 0 or at.max() >= 1):
        raise EvaluationError("E_EVAL_VALUE", f"thresholds must lie in (0, 1), got {at.min():g} to {at.max():g}")
    cases = rank_cases(y_true, y_score)
    bands = _bands(cases, at, plan, drawn)
    points = []
    for place, threshold in enumerate(at):
        called = cases.scores >= threshold
        lower, upper = (None, None) if bands is None else (float(bands[0, place]), float(bands[1, place]))
        points.append(_point(cases.labels, called, float(threshold), lower, upper, plan.method))
    return tuple(points)


def net_statistic(thresholds: Sequence[float] = THRESHOLDS) -> Statistic:
    """Net benefit of every resample at each threshold, for a pass that also collects other statistics."""
    at = np.asarray(thresholds, float)
    return lambda curves: replicates.net_benefit(curves, at)


def _bands(cases: RankedCases, at: np.ndarray, plan: Resampling, drawn: np.ndarray | None) -> np.ndarray | None:
    if not plan.resamples:
        return None
    found = run(cases, resample(cases, plan), {"net": net_statistic(tuple(at))})["net"] if drawn is None else drawn
    return np.asarray(np.quantile(found, [(1 - plan.level) / 2, (1 + plan.level) / 2], axis=0))  # (2, t)


def _point(
    labels: np.ndarray, called: np.ndarray, threshold: float, lower: float | None, upper: float | None, method: str
) -> DecisionPoint:
    n, odds = labels.size, threshold / (1 - threshold)
    tp, fp = int(np.sum(labels & called)), int(np.sum(~labels & called))
    share = float(labels.mean())
    benefit, treat_all = tp / n - fp / n * odds, share - (1 - share) * odds
    return DecisionPoint(
        threshold,
        tp,
        fp,
        benefit,
        treat_all,
        0.0,
        lower,
        upper,
        benefit / share if share else None,
        100 * (benefit - treat_all) / odds,
        method if lower is not None else "",
    )
