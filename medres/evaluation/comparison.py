"""Two scores on the same cases -> is one better: paired DeLong, McNemar, net benefit, each with its difference.

Differences are first minus second. Independent scans and several scans a patient have their own methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from medres.errors import EvaluationError
from medres.evaluation import wins
from medres.evaluation.clustered import is_clustered, obuchowski_covariance, sum_clusters
from medres.evaluation.estimate import LEVEL
from medres.evaluation.inputs import check_labels, check_lengths, check_probabilities, check_scores, missing_class
from medres.evaluation.intervals import percentile, wald
from medres.evaluation.ranking import build_placements, delong_covariance
from medres.evaluation.resampling import CACHED_CELLS, Resampling, Weights, draw_patients, draw_stratified
from medres.evaluation.wins import Ranking, build_ranking

EXACT_BELOW = 25  # discordant pairs: below this many McNemar's test is exact


@dataclass(frozen=True)
class Difference:
    """A difference between two scores, first minus second.

    Attributes:
        first: value of the first; None where undefined.
        second: value of the second.
        difference: first minus second.
        lower: lower end of the interval of the difference.
        upper: upper end.
        statistic: z or chi-square, whichever the method has; None where it has none.
        p: two-sided; None where there is no test.
        method: name of the test and the interval.
        n: cases.
        n_positive: positive cases.
        unit: what a case is.
        level: confidence level.
        reason: why there is no number; empty otherwise.
    """

    first: float | None
    second: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    statistic: float | None
    p: float | None
    method: str
    n: int
    n_positive: int
    unit: str = "scan"
    level: float = LEVEL
    reason: str = ""


def _no_difference(method: str, labels: np.ndarray, unit: str, reason: str) -> Difference:
    empty = (None,) * 7
    return Difference(*empty, method, labels.size, int(labels.sum()), unit, reason=reason)


def shared_level(count: int) -> float:
    """Give the level of each of several intervals that shall hold together.

    Args:
        count: differences that are looked at.

    Returns:
        Level of each, in [0, 1); all together hold with 0.95.

    Source:
        Bonferroni: the level is shared out over the comparisons.

    Example:
        >>> shared_level(1), round(shared_level(5), 3)
        (0.95, 0.99)
    """
    return 1.0 - (1.0 - LEVEL) / max(1, count)


def compare_auroc(
    y_true: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patients: ArrayLike | None = None,
    *,
    level: float = LEVEL,
    unit: str = "scan",
) -> Difference:
    """Compare the AUROC of two scores on the same cases.

    Args:
        y_true: labels 0 or 1, shape (n,).
        first: scores of the one, shape (n,).
        second: scores of the other, shape (n,).
        patients: patient of each case, shape (n,); with several scans of a patient the method is Obuchowski's.
        level: confidence level.
        unit: what a case is.

    Returns:
        Difference with z, p and Wald's interval. The same score twice gives z 0 and p 1.

    Source: DeLong 1988 (paired); Obuchowski 1997 (clustered). Equal to pROC's `roc.test(paired = TRUE)`.

    Example:
        >>> compare_auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.1, 0.4, 0.35, 0.8]).p
        1.0
    """
    labels, one, two = check_labels(y_true), check_scores(first), check_scores(second)
    check_lengths(labels=labels, first=one, second=two, patients=None if patients is None else np.asarray(patients))
    clustered = is_clustered(patients)
    method = "paired Obuchowski" if clustered else "paired DeLong"
    if told := missing_class(labels):
        return _no_difference(method, labels, unit, told)
    names = np.asarray(patients) if clustered else np.zeros(labels.size, int)
    order = np.lexsort((np.unique(names, return_inverse=True)[1], two, labels, one))
    labels, one, two, names = labels[order], one[order], two[order], names[order]
    values, covariance = _covariances(labels, one, two, names if clustered else None)
    variance = covariance[0] + covariance[1] - 2 * covariance[2]
    if np.array_equal(stats.rankdata(one), stats.rankdata(two)):
        variance = 0.0  # the same order: no difference in any sample, even where a class has a single case
    return _tested(values[0], values[1], variance, method, labels, level, unit)


def _covariances(
    labels: np.ndarray, one: np.ndarray, two: np.ndarray, names: np.ndarray | None
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Both AUROCs; their variances and covariance."""
    placed = build_placements(labels, one), build_placements(labels, two)
    values = placed[0].auroc, placed[1].auroc
    if names is None:
        pairs = ((0, 0), (1, 1), (0, 1))
        found = [delong_covariance(placed[i], placed[j]) for i, j in pairs]
    else:
        sums = [sum_clusters(labels, part, value, names) for part, value in zip(placed, values, strict=True)]
        found = [obuchowski_covariance(sums[i], sums[j]) for i, j in ((0, 0), (1, 1), (0, 1))]
    return values, (found[0], found[1], found[2])


def _tested(
    first: float, second: float, variance: float, method: str, labels: np.ndarray, level: float, unit: str
) -> Difference:
    difference = first - second
    about: dict[str, Any] = {"method": method, "n": labels.size, "n_positive": int(labels.sum())}
    about |= {"unit": unit, "level": level}
    if abs(difference) < 1e-15 and variance <= 1e-15:  # never where it is NaN
        return Difference(first, second, 0.0, 0.0, 0.0, 0.0, 1.0, **about)
    if not variance > 0:
        return Difference(
            first, second, difference, None, None, None, None, **about, reason="no variance can be estimated"
        )
    se = math.sqrt(variance)
    z = difference / se
    p = 2 * float(stats.norm.sf(abs(z)))
    return Difference(first, second, difference, *wald(difference, se, level), z, p, **about)


def compare_unpaired(first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]) -> dict[str, float]:
    """Compare the AUROC of two independent groups, such as women and men.

    Args:
        first: labels and scores of one group.
        second: labels and scores of the other.

    Returns:
        `difference`, `d` (difference over its standard error), `df` (Welch-Satterthwaite) and `p` (two-sided); all but
        the difference are NaN where no variance can be estimated (both AUROCs 1, a class of one case).

    Raises:
        EvaluationError: E_EVAL_ONE_CLASS where a group has a single class; the refusals of labels and scores.

    Source: pROC's `roc.test(paired = FALSE)`: DeLong's variances, Student's t.
    """
    groups = [(check_labels(labels), check_scores(scores)) for labels, scores in (first, second)]
    for labels, scores in groups:
        check_lengths(labels=labels, scores=scores)
        if told := missing_class(labels):
            raise EvaluationError("E_EVAL_ONE_CLASS", told)
    placed = [build_placements(*group) for group in groups]
    variances = [delong_covariance(one, one) for one in placed]
    sizes = [labels.size for labels, _ in groups]
    total = sum(variances)
    difference = placed[0].auroc - placed[1].auroc
    if not total > 0:
        return {"difference": difference} | dict.fromkeys(("d", "df", "p"), math.nan)
    d = difference / math.sqrt(total)
    df = total**2 / sum(variance**2 / (size - 1) for variance, size in zip(variances, sizes, strict=True))
    return {"difference": difference, "d": d, "df": df, "p": 2 * float(stats.t.sf(abs(d), df))}


@dataclass(frozen=True)
class McNemar:
    """Paired decisions on one class of cases.

    Attributes:
        both: right in both.
        only_first: right in the first alone.
        only_second: right in the second alone.
        neither: right in neither.
        difference: share right, first minus second; None without cases.
        lower: lower end of Wald's interval of the difference.
        upper: upper end.
        chi2: McNemar's statistic without correction; None without a discordant pair.
        p_chi2: its p.
        p_exact: exact binomial p.
        p_mid: mid-p.
        p: the one to report: exact below 25 discordant pairs, chi-square otherwise.
        method: which of them `p` is.
        n: cases.
        reason: why there is no number; empty otherwise.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    difference: float | None
    lower: float | None
    upper: float | None
    chi2: float | None
    p_chi2: float | None
    p_exact: float | None
    p_mid: float | None
    p: float | None
    method: str
    n: int
    reason: str = ""


def mcnemar(right_first: ArrayLike, right_second: ArrayLike, level: float = LEVEL) -> McNemar:
    """Compare two sets of decisions on the same cases (positives for sensitivity, negatives for specificity).

    Args:
        right_first: whether the first was right, shape (n,).
        right_second: whether the second was right, shape (n,).
        level: confidence level.

    Returns:
        Counts, difference with Wald's interval, and the tests.

    Source: McNemar 1947; Fagerland, Lydersen and Laake, BMC Med Res Methodol 2013 (mid-p).

    Example:
        >>> mcnemar([True, True, False], [True, False, False]).p
        1.0
    """
    one, two = np.asarray(right_first, bool), np.asarray(right_second, bool)
    check_lengths(first=one, second=two)
    b, c, n = int(np.sum(one & ~two)), int(np.sum(~one & two)), one.size
    counts = (int(np.sum(one & two)), b, c, int(np.sum(~one & ~two)))
    if n == 0:
        return McNemar(*counts, *(None,) * 8, "none", 0, "no case of this class")
    difference = (b - c) / n
    lower, upper = wald(difference, math.sqrt((b + c - (b - c) ** 2 / n) / n**2), level)
    exact = min(1.0, 2 * float(stats.binom.cdf(min(b, c), b + c, 0.5)))
    mid = exact - float(stats.binom.pmf(b, b + c, 0.5)) if b != c else 1 - float(stats.binom.pmf(b, b + c, 0.5)) / 2
    chi2 = (b - c) ** 2 / (b + c) if b + c else None
    p_chi2 = float(stats.chi2.sf(chi2, 1)) if chi2 is not None else None
    is_exact = b + c < EXACT_BELOW
    p, method = (exact, "exact") if is_exact or p_chi2 is None else (p_chi2, "chi-square")
    mid = 1.0 if b + c == 0 else mid
    return McNemar(*counts, difference, max(-1.0, lower), min(1.0, upper), chi2, p_chi2, exact, mid, p, method, n)


def compare_decisions(
    y_true: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = LEVEL
) -> dict[str, McNemar]:
    """Compare sensitivity and specificity of two sets of decisions, apart.

    Args:
        y_true: labels 0 or 1, shape (n,).
        first: decisions of the one, True is positive, shape (n,).
        second: decisions of the other (a model at its threshold, or a reader), shape (n,).
        level: confidence level.

    Returns:
        `sensitivity` over the positives, `specificity` over the negatives.
    """
    labels, one, two = check_labels(y_true), np.asarray(first, bool), np.asarray(second, bool)
    check_lengths(labels=labels, first=one, second=two)
    return {
        "sensitivity": mcnemar(one[labels], two[labels], level),
        "specificity": mcnemar(~one[~labels], ~two[~labels], level),
    }


def compare_by_bootstrap(
    y_true: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    plan: Resampling,
    *,
    net_benefit_at: Sequence[float] = (),
    unit: str = "scan",
) -> dict[str, Difference]:
    """Differences of AUROC and of net benefit with paired bootstrap intervals (both scores in the same resamples).

    Args:
        y_true: labels 0 or 1, shape (n,).
        first: scores of the one, shape (n,); probabilities for net benefit.
        second: scores of the other, shape (n,).
        plan: how the bootstrap is drawn; with patients, whole patients.
        net_benefit_at: threshold probabilities, each in (0, 1).
        unit: what a case is.

    Returns:
        `auroc`, and `net_benefit 0.2` for each threshold, with percentile intervals; no test.

    Raises:
        EvaluationError: E_EVAL_RANGE for net benefit of scores that are no probabilities, E_EVAL_VALUE for a threshold
            of 0 or 1, and the refusals of labels and scores.

    Source: Efron and Tibshirani 1993; Vickers and Elkin, Med Decis Making 2006.
    """
    labels, one, two = check_labels(y_true), check_scores(first), check_scores(second)
    check_lengths(labels=labels, first=one, second=two, patients=plan.patients)
    at = _check_thresholds(net_benefit_at, one, two)
    names = ["auroc", *(f"net_benefit {threshold:g}" for threshold in at)]
    method = f"paired {plan.method}"
    if told := missing_class(labels):
        return {name: _no_difference(method, labels, unit, told) for name in names}
    order = np.lexsort((two, one, labels))  # does not depend on how the rows came; class by class, which draws fast
    labels, sides = labels[order], (one[order], two[order])
    rankings = [build_ranking(labels, scores) for scores in sides]
    whole = [_measured(ranking, np.ones((1, labels.size), np.int32), at)[0] for ranking in rankings]
    found = [_measured(rankings[0], w, at) - _measured(rankings[1], w, at) for w in _drawn(labels, order, plan)]
    columns = np.concatenate(found).T if found else np.empty((len(names), 0))
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit, "level": plan.level}
    return {
        name: _resampled(float(a), float(b), column, method, about)
        for name, a, b, column in zip(names, *whole, columns, strict=True)
    }


def _check_thresholds(thresholds: Sequence[float], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Refuse threshold probabilities, or scores, at which no net benefit is defined."""
    at = np.asarray(thresholds, float)
    if at.size:
        check_probabilities(first), check_probabilities(second)
        if not ((at > 0) & (at < 1)).all():
            raise EvaluationError("E_EVAL_VALUE", f"thresholds must lie in (0, 1), got {at.min():g} to {at.max():g}")
    return at


def _drawn(labels: np.ndarray, order: np.ndarray, plan: Resampling) -> Weights:
    """Draw resamples of cases that stand in another order than the rows came."""
    if plan.patients is None:
        return draw_stratified(labels, plan.resamples, plan.seed, CACHED_CELLS)
    return draw_patients(np.asarray(plan.patients)[order], labels, plan.resamples, plan.seed, CACHED_CELLS)


def _measured(ranking: Ranking, weights: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """AUROC, then the net benefits, of each resample, shape (b, 1 + t)."""
    counted = wins.count(ranking, weights)
    area = wins.auroc(counted)[:, None]
    return np.hstack((area, wins.net_benefit(counted, thresholds))) if thresholds.size else area


def _resampled(first: float, second: float, column: np.ndarray, method: str, about: dict[str, Any]) -> Difference:
    """Put the percentile interval of resampled differences around a difference."""
    ends = percentile(column, about["level"]) if column.size else (None, None)
    return Difference(first, second, first - second, *ends, None, None, method, **about)
