"""A reference window and a new one -> have scores, inputs, flags or failures changed, and does it deserve an alert.

Knows no label: drift is seen before the truth is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate
from medres.evaluation.inputs import check_scores
from medres.evaluation.intervals import proportion

PSI_BINS = 10
PSI_ALERT = 0.2  # custom since credit scoring: above 0.1 watch, above 0.2 act
ALERT_LEVEL = 0.01  # chance of a false alert of one test in one window, before the correction for many columns
FEWEST = 20  # cases of a window below which nothing is said


@dataclass(frozen=True)
class DriftRule:
    """When a change deserves an alert.

    Attributes:
        psi: least PSI; it must also exceed what chance gives at these sizes.
        alpha: level of every test, shared out over the columns (Bonferroni).
    """

    psi: float = PSI_ALERT
    alpha: float = ALERT_LEVEL


@dataclass(frozen=True)
class ColumnDrift:
    """Change of one column of numbers.

    Attributes:
        name: `score`, or the column's name.
        n_reference: cases of the reference window.
        n_new: cases of the new window.
        psi: population stability index; None with `reason`.
        psi_by_chance: PSI that these sizes exceed by chance with probability alpha.
        ks: largest distance of the two distribution functions.
        p: of the Kolmogorov-Smirnov test.
        median_reference: of the reference window.
        median_new: of the new window.
        alert: whether the rule asks for one.
        reason: why there is no number; empty otherwise.
    """

    name: str
    n_reference: int
    n_new: int
    psi: float | None
    psi_by_chance: float | None
    ks: float | None
    p: float | None
    median_reference: float | None
    median_new: float | None
    alert: bool
    reason: str = ""


@dataclass(frozen=True)
class RateDrift:
    """Change of a share, such as flagged or failed scans.

    Attributes:
        name: `flag rate` or `failure rate`.
        reference: with Wilson's interval.
        new: with Wilson's interval.
        p: Fisher's exact test.
        alert: whether the rule asks for one.
    """

    name: str
    reference: Estimate
    new: Estimate
    p: float | None
    alert: bool


def population_stability(reference: ArrayLike, new: ArrayLike, bins: int = PSI_BINS) -> float:
    """Population stability index over the deciles of the reference. 0 is no change; higher is more.

    Args:
        reference: values, shape (n,).
        new: values, shape (m,).
        bins: quantile bins of the reference, (lo, hi]; equal edges are merged, and a value on which several edges fall
            has a bin of its own, so that a move to either side of it is seen.

    Returns:
        Sum over bins of (new - old) ln(new / old). A bin that is empty in one window counts half a case there; one that
        is empty in both tells nothing and is left out.

    Source: Siddiqi 2006; Yurdakul and Naranjo, J Risk Model Valid 2020.

    Example:
        >>> population_stability([1, 2, 3, 4], [1, 2, 3, 4], 2)
        0.0
    """
    old, now = check_scores(reference), check_scores(new)
    if not old.size or not now.size:
        raise EvaluationError("E_EVAL_EMPTY", f"both windows need cases, got {old.size} and {now.size}")
    counts = _count_bins(old, now, bins)
    counts[counts == 0] = 0.5
    shares = counts / counts.sum(axis=1, keepdims=True)
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def _count_bins(old: np.ndarray, now: np.ndarray, bins: int) -> np.ndarray:
    """Count both windows in the reference's quantile bins that hold any case, shape (2, k)."""
    edges = np.quantile(old, np.arange(1, bins) / bins)
    heavy = edges[1:][edges[1:] == edges[:-1]]  # values that many cases share
    edges = np.unique(np.append(edges, np.nextafter(heavy, -np.inf)))
    places = (np.searchsorted(edges, values, side="left") for values in (old, now))
    counts = np.array([np.bincount(place, minlength=edges.size + 1) for place in places], float)
    return counts[:, counts.any(axis=0)]


def psi_by_chance(n_reference: int, n_new: int, alpha: float, bins: int = PSI_BINS) -> float:
    """PSI that two windows of one population exceed with probability alpha.

    Args:
        n_reference: cases of the reference window.
        n_new: cases of the new window.
        alpha: the probability.
        bins: how many hold any case, at least 2.

    Source: Yurdakul and Naranjo 2020: PSI is about (1/n + 1/m) times chi-square with bins - 1 degrees of freedom.

    Example:
        >>> round(psi_by_chance(100, 100, 0.01), 2)
        0.43
    """
    return float((1 / n_reference + 1 / n_new) * stats.chi2.isf(alpha, bins - 1))


def compare_column(name: str, reference: ArrayLike, new: ArrayLike, rule: DriftRule | None = None) -> ColumnDrift:
    """Compare one column of numbers between two windows.

    Args:
        name: of the column.
        reference: values, shape (n,).
        new: values, shape (m,).
        rule: when to alert; None is the usual one.

    Returns:
        PSI, KS test, medians and the alert: PSI above its limit *and* above chance *and* KS p below alpha.
    """
    rule = rule or DriftRule()
    old, now = check_scores(reference), check_scores(new)
    if min(old.size, now.size) < FEWEST:
        told = f"fewer than {FEWEST} cases in a window"
        return ColumnDrift(name, old.size, now.size, *(None,) * 6, False, told)
    psi, kept = population_stability(old, now), _count_bins(old, now, PSI_BINS).shape[1]
    chance = psi_by_chance(old.size, now.size, rule.alpha, max(kept, 2))
    test = stats.ks_2samp(old, now)
    alert = psi > max(rule.psi, chance) and test.pvalue < rule.alpha
    medians = float(np.median(old)), float(np.median(now))
    return ColumnDrift(
        name, old.size, now.size, psi, chance, float(test.statistic), float(test.pvalue), *medians, bool(alert)
    )


def compare_rate(
    name: str, reference: tuple[int, int], new: tuple[int, int], rule: DriftRule | None = None, level: float = LEVEL
) -> RateDrift:
    """Compare a share between two windows.

    Args:
        name: of the share.
        reference: (x, n) of the reference window.
        new: (x, n) of the new one.
        rule: when to alert: Fisher's p below alpha.
        level: confidence level of both intervals.

    Example:
        >>> compare_rate("flag rate", (10, 100), (40, 100)).alert
        True
    """
    rule = rule or DriftRule()
    before, after = (proportion(*counts, level=level) for counts in (reference, new))
    if not (reference[1] and new[1]):
        return RateDrift(name, before, after, None, False)
    p = float(stats.fisher_exact([[x, n - x] for x, n in (reference, new)])[1])
    return RateDrift(name, before, after, p, p < rule.alpha)


def compare_windows(
    reference: Mapping[str, ArrayLike], new: Mapping[str, ArrayLike], rule: DriftRule | None = None
) -> tuple[ColumnDrift, ...]:
    """Compare every column that both windows have, the level shared out over them (Bonferroni).

    Args:
        reference: columns by name.
        new: columns by name.
        rule: when to alert.
    """
    rule = rule or DriftRule()
    names = [name for name in reference if name in new]
    shared = DriftRule(rule.psi, rule.alpha / max(len(names), 1))
    return tuple(compare_column(name, reference[name], new[name], shared) for name in names)
