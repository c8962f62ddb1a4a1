"""Labels and scores -> how well the score separates: AUROC with DeLong's intervals, and the ROC curve.

Knows no threshold. Ties count one half; the logit interval is the headline, DeLong's own stands beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_binary, missing_class
from medres.evaluation.intervals import clipped, logit_wald, wald
from medres.evaluation.ranking import build_placements, delong_covariance

METHODS = ("logit-delong", "delong")
DEGENERATE = "degenerate: the variance is 0 or cannot be estimated, so there is no interval"


def auroc(
    y_true: ArrayLike, y_score: ArrayLike, *, method: str = "logit-delong", level: float = LEVEL, unit: str = "scan"
) -> Estimate:
    """Area under the ROC curve of independent cases, with DeLong's interval. Higher is better.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,), higher is more positive; any scale.
        method: `logit-delong` (headline) or `delong` (clipped to [0, 1]).
        level: confidence level.
        unit: what a case is.

    Returns:
        Mann-Whitney's estimate, ties one half. One class: None with a reason. No variance (perfect separation, a
        constant score, a single positive): the value without an interval, noted `degenerate`.

    Raises:
        EvaluationError: unequal lengths, strange labels, NaN scores, no case.

    Source: DeLong 1988; Sun and Xu 2014; Pepe 2003, p. 107 (logit). Equal to pROC's `ci.auc`.

    Example:
        >>> found = auroc([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9])
        >>> round(found.value, 4), found.n_positive
        (0.8889, 3)
    """
    labels, scores = check_binary(y_true, y_score)
    about: dict[str, Any] = {
        "n": labels.size,
        "n_positive": int(labels.sum()),
        "unit": unit,
        "level": level,
        "method": method,
    }
    if told := missing_class(labels):
        return undefined(told, **about)
    placed = build_placements(labels, scores)
    return with_interval(placed.auroc, delong_covariance(placed, placed), **about)


def with_interval(
    value: float, variance: float, *, method: str, n: int, n_positive: int, unit: str, level: float
) -> Estimate:
    """Put the interval of a known variance around an AUROC.

    Args:
        value: the AUROC, in [0, 1].
        variance: its variance; 0 or NaN makes the interval None and the note `degenerate`.
        method: starts with `logit` for the logit interval; anything else is Wald's, clipped.
        n: cases.
        n_positive: positive cases.
        unit: what a case is.
        level: confidence level.

    Example:
        >>> with_interval(1.0, 0.0, method="delong", n=4, n_positive=2, unit="scan", level=0.95).note[:10]
        'degenerate'
    """
    about: dict[str, Any] = {"method": method, "n": n, "n_positive": n_positive, "unit": unit, "level": level}
    if not variance > 0 or not 0 < value < 1:
        return Estimate(value, note=DEGENERATE, **about)
    se = math.sqrt(variance)
    around = logit_wald(value, se, level) if method.startswith("logit") else clipped(wald(value, se, level))
    return Estimate(value, *around, **about)


def auroc_variance(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """DeLong's variance of the AUROC; NaN when a class has fewer than two cases."""
    labels, scores = check_binary(y_true, y_score)
    if missing_class(labels):
        return float("nan")
    placed = build_placements(labels, scores)
    return delong_covariance(placed, placed)


def hanley_mcneil_se(value: float, n_positive: int, n_negative: int) -> float:
    """Standard error of an AUROC from its size alone, for planning.

    Args:
        value: AUROC in [0, 1].
        n_positive: positives, at least 1.
        n_negative: negatives, at least 1.

    Source: Hanley and McNeil, Radiology 1982.

    Example:
        >>> round(hanley_mcneil_se(0.723785166240409, 17, 23), 6)
        0.083696
    """
    if n_positive < 1 or n_negative < 1:
        raise EvaluationError("E_EVAL_VALUE", f"both classes are needed, got {n_positive} and {n_negative}")
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    squares = value * (1 - value) + (n_positive - 1) * (q1 - value**2) + (n_negative - 1) * (q2 - value**2)
    return math.sqrt(max(0.0, squares) / (n_positive * n_negative))


def roc_curve(y_true: ArrayLike, y_score: ArrayLike) -> dict[str, np.ndarray]:
    """Every attainable point of the ROC curve.

    Returns:
        `threshold` (inf first, then the observed scores, falling), `sensitivity` and `false_positive_rate`, each of
        shape (k + 1,).

    Example:
        >>> roc_curve([0, 1], [0.2, 0.8])["sensitivity"]
        array([0., 1., 1.])
    """
    labels, scores = check_binary(y_true, y_score)
    distinct, tp, fp = cumulative_counts(labels, scores)
    with np.errstate(invalid="ignore"):
        return {
            "threshold": np.concatenate(([np.inf], distinct)),
            "sensitivity": np.concatenate(([0], tp)) / labels.sum(),
            "false_positive_rate": np.concatenate(([0], fp)) / (~labels).sum(),
        }


def cumulative_counts(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count true and false positives at each distinct score.

    Args:
        labels: Boolean, shape (n,), in canonical order.
        scores: ascending, shape (n,).

    Returns:
        Distinct scores (falling), true positives and false positives at `score >= threshold`, each (k,).
    """
    distinct, starts = np.unique(scores, return_index=True)
    tp = np.add.reduceat(labels.astype(np.int64), starts)[::-1].cumsum()
    called = (labels.size - starts)[::-1]
    return distinct[::-1], tp, called - tp
