"""A planned study -> how many patients it needs, or how sure it can be.

Answers before there are data; knows no score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, special, stats

from medres.errors import EvaluationError
from medres.evaluation.discrimination import hanley_mcneil_se
from medres.evaluation.inputs import check_share
from medres.evaluation.intervals import normal_quantile

NULL_VARIANCE = 0.0792  # of an AUROC of 0.5 for one positive, binormal (Obuchowski 1998), as pROC has it
METHODS = ("obuchowski", "hanley-mcneil")


@dataclass(frozen=True)
class SampleSize:
    """How many cases a study needs.

    Attributes:
        n_positive: rounded up.
        n_negative: rounded up.
        n_total: cases to be collected.
        exact_positive: before rounding.
        exact_negative: before rounding.
        method: formula.
    """

    n_positive: int
    n_negative: int
    n_total: int
    exact_positive: float
    exact_negative: float
    method: str


def _binormal_variance(auroc: float, ratio: float) -> float:
    """Variance times positives of a binormal AUROC, `ratio` negatives for each positive (Obuchowski 1998)."""
    a = float(special.ndtri(auroc)) * 1.414  # the digits of the paper and of pROC
    return 0.0099 * math.exp(-(a**2) / 2) * ((5 * a**2 + 8) + (a**2 + 8) / ratio)


def _standard_errors(auroc: float, n_positive: float, ratio: float, method: str) -> tuple[float, float]:
    """Standard errors under "no better than chance" and under the AUROC hoped for."""
    if method == "obuchowski":
        null = NULL_VARIANCE * (1 + 1 / ratio)
        return math.sqrt(null / n_positive), math.sqrt(_binormal_variance(auroc, ratio) / n_positive)
    return _hanley(0.5, n_positive, ratio), _hanley(auroc, n_positive, ratio)


def _hanley(auroc: float, n_positive: float, ratio: float) -> float:
    """Hanley and McNeil's standard error with counts that need not be whole."""
    q1, q2, n = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc), n_positive * ratio
    squares = auroc * (1 - auroc) + (n_positive - 1) * (q1 - auroc**2) + (n - 1) * (q2 - auroc**2)
    return math.sqrt(squares / (n_positive * n))


def _check(auroc: float, ratio: float, alpha: float, method: str) -> None:
    check_share("alpha", alpha)
    if not 0.5 < auroc < 1:
        raise EvaluationError("E_EVAL_VALUE", f"the AUROC hoped for must lie in (0.5, 1), got {auroc:g}")
    if not ratio > 0 or not math.isfinite(ratio):
        raise EvaluationError("E_EVAL_VALUE", f"negatives for each positive must be more than 0, got {ratio:g}")
    if method not in METHODS:
        raise EvaluationError("E_EVAL_VALUE", f"the method must be one of {', '.join(METHODS)}, got {method[:20]!r}")


def power_of_auroc(
    auroc: float, n_positive: int, n_negative: int, *, alpha: float = 0.05, method: str = "obuchowski"
) -> float:
    """Power of a two-sided test of an AUROC against 0.5.

    Args:
        auroc: hoped for, in (0.5, 1).
        n_positive: positives, at least 1.
        n_negative: negatives, at least 1.
        alpha: two-sided level of the test.
        method: `obuchowski` (as pROC) or `hanley-mcneil`.

    Returns:
        Power in (0, 1).

    Source: Obuchowski and McClish, Stat Med 1997 (pROC's `power.roc.test`); Hanley and McNeil, Radiology 1982.

    Example:
        >>> round(power_of_auroc(0.73, 41, 72), 6)
        0.989745
    """
    if min(n_positive, n_negative) < 1:
        raise EvaluationError("E_EVAL_VALUE", f"both classes are needed, got {n_positive} and {n_negative}")
    _check(auroc, n_negative / n_positive, alpha, method)
    null, hoped = _standard_errors(auroc, n_positive, n_negative / n_positive, method)
    return float(special.ndtr((auroc - 0.5 - normal_quantile(1 - alpha) * null) / hoped))


def size_for_auroc(
    auroc: float, *, power: float = 0.9, ratio: float = 1.0, alpha: float = 0.05, method: str = "obuchowski"
) -> SampleSize:
    """Cases needed to tell an AUROC from 0.5.

    Args:
        auroc: hoped for, in (0.5, 1).
        power: wanted, in (0, 1).
        ratio: negatives for each positive.
        alpha: two-sided level.
        method: `obuchowski` (as pROC) or `hanley-mcneil`.

    Returns:
        Cases of each class.

    Source: as `power_of_auroc`.

    Example:
        >>> size_for_auroc(0.8, power=0.9).n_total
        34
    """
    check_share("power", power)
    _check(auroc, ratio, alpha, method)
    z_alpha, z_beta = normal_quantile(1 - alpha), float(special.ndtri(power))

    def shortfall(n_positive: float) -> float:
        """Say what a number of positive patients leaves to be wished; 0 at the size that is needed."""
        null, hoped = _standard_errors(auroc, n_positive, ratio, method)
        return z_alpha * null + z_beta * hoped - (auroc - 0.5)

    if method == "obuchowski":
        null, hoped = _standard_errors(auroc, 1, ratio, method)
        exact = ((z_alpha * null + z_beta * hoped) / (auroc - 0.5)) ** 2
    else:
        exact = float(optimize.brentq(shortfall, 1e-6, 1e9))
    return _round_up(exact, ratio, method)


def _round_up(exact: float, ratio: float, method: str) -> SampleSize:
    positive, negative = math.ceil(exact - 1e-9), math.ceil(exact * ratio - 1e-9)
    return SampleSize(positive, negative, positive + negative, exact, exact * ratio, method)


def size_for_rate(
    expected: float, half_width: float, prevalence: float, *, level: float = 0.95, of: str = "sensitivity"
) -> SampleSize:
    """Cases needed to estimate sensitivity, or specificity, within a half width.

    Args:
        expected: the rate expected, in (0, 1).
        half_width: half the width wanted of the interval, in (0, 1).
        prevalence: share of positives among those collected, in (0, 1).
        level: confidence level.
        of: `sensitivity` (positives count) or `specificity` (negatives count).

    Returns:
        Cases of each class and in all, as collected consecutively.

    Source: Buderer, Acad Emerg Med 1996.

    Example:
        >>> size_for_rate(0.9, 0.05, 0.1).n_total
        1390
    """
    for name, value in (("the expected rate", expected), ("the half width", half_width), ("prevalence", prevalence)):
        check_share(name, value)
    if of not in ("sensitivity", "specificity"):
        raise EvaluationError("E_EVAL_VALUE", f"of must be sensitivity or specificity, got {of[:20]!r}")
    exact = normal_quantile(level) ** 2 * expected * (1 - expected) / half_width**2
    needed, share = math.ceil(exact - 1e-9), prevalence if of == "sensitivity" else 1 - prevalence
    total = math.ceil(needed / share - 1e-9)
    other = total - needed
    counts = (needed, other) if of == "sensitivity" else (other, needed)
    exacts = (exact, exact / share - exact) if of == "sensitivity" else (exact / share - exact, exact)
    return SampleSize(*counts, total, *exacts, f"Buderer, {of}")


def width_of_auroc(auroc: float, n_positive: int, n_negative: int, level: float = 0.95) -> float:
    """Half width that an AUROC's interval would have, by Hanley and McNeil.

    Example:
        >>> round(width_of_auroc(0.8, 50, 50), 3)
        0.087
    """
    check_share("the AUROC", auroc)
    return normal_quantile(level) * hanley_mcneil_se(auroc, n_positive, n_negative)


def upper_limit_without_events(n: int, level: float = 0.95, *, two_sided: bool = False) -> float:
    """Upper limit of a rate when none of n cases had the event: exact, where 3/n is the rule of three.

    Args:
        n: cases, at least 1.
        level: confidence level.
        two_sided: give the upper end of the two-sided interval instead.

    Source: Hanley and Lippman-Hand, JAMA 1983.

    Example:
        >>> round(upper_limit_without_events(100), 4)
        0.0295
    """
    if n < 1:
        raise EvaluationError("E_EVAL_VALUE", f"at least one case is needed, got {n}")
    tail = (1 - check_share("the level", level)) / (2 if two_sided else 1)
    return float(stats.beta.isf(tail, 1, n))
