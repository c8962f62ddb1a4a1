"""Sensitivity and specificity -> PPV and NPV at a stated prevalence, by Bayes, with logit intervals.

Knows no score. What was measured in a study with half its patients ill says little of a screening clinic; this says it.
"""

from __future__ import annotations

import math
from typing import Any

from scipy import special

from medres.evaluation.confusion import Confusion
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_share
from medres.evaluation.intervals import wald

STATED = (0.01, 0.05, 0.20)  # prevalences that every evaluation answers for
METHOD = "logit delta (Mercaldo)"


def adjust(counts: Confusion, prevalence: float, *, level: float = LEVEL, unit: str = "scan") -> dict[str, Estimate]:
    """Predictive values that these counts would have at another prevalence.

    Args:
        counts: the four counts at the operating point.
        prevalence: in (0, 1).
        level: confidence level.
        unit: what a case is.

    Returns:
        `ppv` and `npv`. A class that is missing, or 0 over 0: None with a reason. Sensitivity or specificity at 0 or 1:
        the value without an interval, because its logit has no variance.

    Raises:
        EvaluationError: E_EVAL_VALUE for a prevalence outside (0, 1).

    Source: Mercaldo, Lau and Zhou, Stat Med 2007 (logit intervals).

    Example:
        >>> round(adjust(Confusion(11, 10, 6, 13), 0.05)["ppv"].value, 6)
        0.072639
    """
    share = check_share("prevalence", prevalence)
    about: dict[str, Any] = {"n": counts.n, "n_positive": counts.n_positive, "unit": unit, "level": level}
    p, q = counts.n_positive, counts.n_negative
    if not p or not q:
        told = "one class only: no positive case" if not p else "one class only: no negative case"
        return {name: undefined(told, method=METHOD, **about) for name in ("ppv", "npv")}
    sensitivity, specificity = counts.tp / p, counts.tn / q
    odds = share / (1 - share)
    return {
        "ppv": _logit_interval(
            (sensitivity * odds, 1 - specificity),
            (_relative(counts.fn, counts.tp, p), _relative(counts.tn, counts.fp, q)),
            about,
        ),
        "npv": _logit_interval(
            (specificity, (1 - sensitivity) * odds),
            (_relative(counts.tp, counts.fn, p), _relative(counts.fp, counts.tn, q)),
            about,
        ),
    }


def _relative(other: int, own: int, n: int) -> float:
    """Variance of the log of own / n; infinite where own is 0."""
    return other / (own * n) if own else math.inf


def _logit_interval(odds: tuple[float, float], variances: tuple[float, float], about: dict[str, Any]) -> Estimate:
    right, wrong = odds
    if right + wrong == 0:
        return undefined("nothing is called so: 0 of 0", method=METHOD, **about)
    value, variance = right / (right + wrong), sum(variances)
    if not math.isfinite(variance) or variance == 0:
        return Estimate(value, method=METHOD, note="sensitivity or specificity is 0 or 1: no interval", **about)
    lower, upper = wald(math.log(right / wrong), math.sqrt(variance), about["level"])
    return Estimate(value, float(special.expit(lower)), float(special.expit(upper)), METHOD, **about)
