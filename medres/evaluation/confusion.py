"""Labels, scores and a threshold -> the four counts, and every rate that is made of them.

`score >= threshold` is positive, everywhere. Knows no curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_binary
from medres.evaluation.intervals import normal_quantile, proportion


@dataclass(frozen=True)
class Confusion:
    """The four counts of a binary decision.

    Attributes:
        tp: positives called positive.
        fp: negatives called positive.
        fn: positives called negative.
        tn: negatives called negative.

    Example:
        >>> Confusion(11, 10, 6, 13).n
        40
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def n_positive(self) -> int:
        """Cases whose truth is positive."""
        return self.tp + self.fn

    @property
    def n_negative(self) -> int:
        """Cases whose truth is negative."""
        return self.fp + self.tn


def count(y_true: ArrayLike, y_score: ArrayLike, threshold: float) -> Confusion:
    """Count decisions at a threshold; a score equal to it is positive.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        threshold: the operating point, on the scale of the scores.

    Returns:
        The four counts.

    Raises:
        EvaluationError: E_EVAL_VALUE for a threshold that is NaN, and the refusals of `check_binary`.

    Example:
        >>> count([1, 0, 1], [0.5, 0.5, 0.4], 0.5)
        Confusion(tp=1, fp=1, fn=1, tn=0)
    """
    if math.isnan(threshold):
        raise EvaluationError("E_EVAL_VALUE", "a threshold must be a number, got NaN")
    labels, scores = check_binary(y_true, y_score)
    return count_decisions(labels, scores >= threshold)


def count_decisions(labels: np.ndarray, called: np.ndarray) -> Confusion:
    """Count decisions that were already made.

    Args:
        labels: Boolean truth, shape (n,).
        called: Boolean decisions, shape (n,).

    Example:
        >>> count_decisions(np.array([True, False]), np.array([True, True]))
        Confusion(tp=1, fp=1, fn=0, tn=0)
    """
    tp, fp = int(np.sum(labels & called)), int(np.sum(~labels & called))
    return Confusion(tp, fp, int(np.sum(labels)) - tp, int(np.sum(~labels)) - fp)


def rates(counts: Confusion, method: str = "wilson", level: float = LEVEL, unit: str = "scan") -> dict[str, Estimate]:
    """Sensitivity, specificity, PPV, NPV, accuracy and prevalence, each x of n.

    Args:
        counts: the four counts.
        method: `wilson` or `clopper-pearson`.
        level: confidence level.
        unit: what a case is.

    Returns:
        Estimates by name; an empty denominator gives None with a reason.

    Example:
        >>> round(rates(Confusion(11, 10, 6, 13))["sensitivity"].value, 4)
        0.6471
    """
    parts = {
        "sensitivity": (counts.tp, counts.n_positive),
        "specificity": (counts.tn, counts.n_negative),
        "ppv": (counts.tp, counts.tp + counts.fp),
        "npv": (counts.tn, counts.tn + counts.fn),
        "accuracy": (counts.tp + counts.tn, counts.n),
        "prevalence": (counts.n_positive, counts.n),
    }
    return {name: proportion(x, n, method, level, unit) for name, (x, n) in parts.items()}


def likelihood_ratios(counts: Confusion, level: float = LEVEL, unit: str = "scan") -> dict[str, Estimate]:
    """LR+, LR- and the diagnostic odds ratio, by the log method.

    Returns:
        `lr_positive`, `lr_negative`, `dor`; None with a reason where one of the four counts is 0.

    Source: Simel, Samsa and Matchar, J Clin Epidemiol 1991.

    Example:
        >>> round(likelihood_ratios(Confusion(11, 10, 6, 13))["dor"].value, 4)
        2.3833
    """
    about: dict[str, Any] = {
        "n": counts.n,
        "n_positive": counts.n_positive,
        "unit": unit,
        "level": level,
        "method": "log (Simel)",
    }
    names = ("lr_positive", "lr_negative", "dor")
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    if not all((tp, fp, fn, tn)):
        return {name: undefined("one of the four counts is 0", **about) for name in names}
    p, q, z = counts.n_positive, counts.n_negative, normal_quantile(level)
    values = ((tp / p) / (fp / q), (fn / p) / (tn / q), tp * tn / (fp * fn))
    variances = (1 / tp - 1 / p + 1 / fp - 1 / q, 1 / fn - 1 / p + 1 / tn - 1 / q, 1 / tp + 1 / fp + 1 / fn + 1 / tn)
    factors = [math.exp(z * math.sqrt(variance)) for variance in variances]
    return {
        name: Estimate(value, value / factor, value * factor, **about)
        for name, value, factor in zip(names, values, factors, strict=True)
    }


def agreement_scores(counts: Confusion, unit: str = "scan") -> dict[str, Estimate]:
    """Balanced accuracy, Youden's J, F1, Matthews' correlation and Cohen's kappa, without an interval.

    `decision_tables` gives them one.

    Returns:
        Estimates by name; an empty denominator gives None with a reason.

    Example:
        >>> round(agreement_scores(Confusion(11, 10, 6, 13))["mcc"].value, 4)
        0.2101
    """
    tp, fp, fn, tn, n = counts.tp, counts.fp, counts.fn, counts.tn, counts.n
    p, q, called = counts.n_positive, counts.n_negative, counts.tp + counts.fp
    chance = (called * p + (n - called) * q) / n**2 if n else 1.0
    wanted = {
        "balanced_accuracy": ((tp * q + tn * p), 2 * p * q),
        "youden_j": ((tp * q + tn * p) - p * q, p * q),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "mcc": (tp * tn - fp * fn, math.sqrt(called * p * q * (n - called))),
        "cohen_kappa": ((tp + tn) / n - chance if n else 0.0, 1 - chance),
    }
    about: dict[str, Any] = {"n": n, "n_positive": p, "unit": unit}
    return {
        name: Estimate(top / bottom, method="none", **about)
        if bottom
        else undefined("a row or a column of the table is empty", **about)
        for name, (top, bottom) in wanted.items()
    }
