"""Counts and standard errors -> intervals: Wilson, Clopper-Pearson, Wald, logit, percentile.

Knows no label and no score. Agresti-Coull is left out on purpose: its lower end can fall below 0.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special, stats

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined

Interval = tuple[float, float]


def normal_quantile(level: float = LEVEL) -> float:
    """Two-sided normal quantile of a confidence level.

    Example:
        >>> round(normal_quantile(0.95), 6)
        1.959964
    """
    if not 0 < level < 1:
        raise EvaluationError("E_EVAL_VALUE", f"a confidence level must lie in (0, 1), got {level:g}")
    return float(special.ndtri(0.5 + level / 2))


def wilson(x: int, n: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of x out of n.

    Args:
        x: successes.
        n: trials, at least 1.
        level: confidence level.

    Returns:
        Lower and upper end in [0, 1].

    Source: Wilson, JASA 1927; Newcombe, Stat Med 1998 (method 3).

    Example:
        >>> [round(end, 4) for end in wilson(38, 40)]
        [0.835, 0.9862]
    """
    _check_counts(x, n)
    z = normal_quantile(level)
    centre = (x + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(x * (n - x) / n + z * z / 4)
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


def clopper_pearson(x: int, n: int, level: float = LEVEL) -> Interval:
    """Exact interval of x out of n, by beta quantiles: covers at least the level, always.

    Source: Clopper and Pearson, Biometrika 1934.

    Example:
        >>> [round(end, 4) for end in clopper_pearson(0, 10)]
        [0.0, 0.3085]
    """
    _check_counts(x, n)
    tail = (1 - level) / 2
    lower = 0.0 if x == 0 else float(stats.beta.ppf(tail, x, n - x + 1))
    upper = 1.0 if x == n else float(stats.beta.isf(tail, x + 1, n - x))
    return lower, upper


def _check_counts(x: int, n: int) -> None:
    if n < 1 or not 0 <= x <= n:
        raise EvaluationError("E_EVAL_VALUE", f"counts must satisfy 0 <= x <= n and n >= 1, got {x} of {n}")


def wald(value: float, se: float, level: float = LEVEL) -> Interval:
    """Value plus and minus z standard errors.

    Example:
        >>> [round(end, 2) for end in wald(1.0, 0.5)]
        [0.02, 1.98]
    """
    half = normal_quantile(level) * se
    return value - half, value + half


def clipped(interval: Interval, low: float = 0.0, high: float = 1.0) -> Interval:
    """Cut an interval to the values that can be.

    Example:
        >>> clipped((-0.1, 0.4))
        (0.0, 0.4)
    """
    return max(low, interval[0]), min(high, interval[1])


def logit_wald(value: float, se: float, level: float = LEVEL) -> Interval:
    """Wald on the logit scale: stays inside (0, 1); value must lie strictly between.

    Args:
        value: a share in (0, 1).
        se: its standard error on the plain scale (carried over by the delta method).
        level: confidence level.

    Source: Pepe 2003, p. 107 (AUC); Agresti 2013, 3.1.6.

    Example:
        >>> [round(end, 3) for end in logit_wald(0.9, 0.05)]
        [0.752, 0.964]
    """
    lower, upper = wald(special.logit(value), se / (value * (1 - value)), level)
    return float(special.expit(lower)), float(special.expit(upper))


def percentile(replicates: np.ndarray, level: float = LEVEL) -> tuple[float | None, float | None]:
    """Percentile interval of bootstrap replicates: quantiles of type 7, linear between order statistics.

    Args:
        replicates: shape (resamples,); NaN where a resample left the number undefined.
        level: confidence level.

    Returns:
        Both ends; None, None when fewer than 90 % of the resamples gave a number.

    Source: Hyndman and Fan 1996 (type 7); Efron and Tibshirani 1993, 13.3.

    Example:
        >>> percentile(np.arange(5.0), 0.5)
        (1.0, 3.0)
    """
    good = replicates[np.isfinite(replicates)]
    if good.size < 0.9 * replicates.size or not good.size:
        return None, None
    lower, upper = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def proportion(x: int, n: int, method: str = "wilson", level: float = LEVEL, unit: str = "scan") -> Estimate:
    """Estimate x out of n with its interval.

    Args:
        x: successes.
        n: trials; 0 makes the number undefined.
        method: `wilson` or `clopper-pearson`.
        level: confidence level.
        unit: what a trial is.

    Returns:
        The proportion; None with a reason where n is 0.

    Example:
        >>> proportion(0, 0).reason
        'no case to count: 0 of 0'
    """
    if n == 0:
        return undefined("no case to count: 0 of 0", method=method, unit=unit, level=level)
    lower, upper = {"wilson": wilson, "clopper-pearson": clopper_pearson}[method](x, n, level)
    return Estimate(x / n, lower, upper, method, n, None, unit, level, x=x)
