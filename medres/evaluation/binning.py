"""Labels and probabilities -> bins of a reliability diagram, expected calibration error, loess error (ICI).

Bins of equal width are (lo, hi], 0 in the first; bins of equal mass follow (score, row). ECE stands without an
interval: its percentile bootstrap covers nothing on a calibrated model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from skmisc.loess import loess

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_labels, check_lengths, check_probabilities
from medres.evaluation.intervals import wilson

BINS = 10
NO_LOESS = "loess cannot be fitted: too few distinct scores, or too many at one"
NEAR_SINGULAR = "few distinct scores: loess is near singular, as R warns"


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram.

    Attributes:
        number: from 1.
        n: cases in it.
        n_positive: positive cases in it.
        mean_predicted: mean probability, in [0, 1].
        observed: share of positives, in [0, 1].
        lower: lower end of Wilson's interval of `observed`.
        upper: upper end.
    """

    number: int
    n: int
    n_positive: int
    mean_predicted: float
    observed: float
    lower: float
    upper: float


def bin_by_width(probabilities: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Number of the bin of equal width, from 0: (k / bins, (k + 1) / bins], and 0 in the first.

    Example:
        >>> bin_by_width(np.array([0.0, 0.1, 0.11, 0.7, 1.0]))
        array([0, 0, 1, 6, 9])
    """
    return np.searchsorted(np.arange(1, bins) / bins, probabilities, side="left")


def bin_by_mass(probabilities: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Number of the bin of equal mass, from 0: sort by (score, row), bin floor(i * bins / n).

    Example:
        >>> bin_by_mass(np.array([0.9, 0.1, 0.4, 0.2]), 2)
        array([1, 0, 1, 0])
    """
    order = np.argsort(probabilities, kind="stable")
    numbers = np.empty(probabilities.size, np.int64)
    numbers[order] = np.arange(probabilities.size) * bins // probabilities.size
    return numbers


def reliability(
    y_true: ArrayLike, y_score: ArrayLike, by: str = "width", bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Observed share against mean probability, bin by bin; empty bins are left out.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: probabilities, shape (n,), in [0, 1].
        by: `width` or `mass`.
        bins: how many, at least 1.

    Returns:
        Bins with their counts and Wilson's interval.

    Raises:
        EvaluationError: E_EVAL_RANGE, E_EVAL_VALUE and the refusals of labels.

    Source: Niculescu-Mizil and Caruana, ICML 2005.

    Example:
        >>> [(one.n, one.observed) for one in reliability([0, 1, 1], [0.1, 0.15, 0.9])]
        [(1, 0.0), (1, 1.0), (1, 1.0)]
    """
    labels, p = check_labels(y_true), check_probabilities(y_score)
    check_lengths(labels=labels, scores=p)
    if by not in ("width", "mass") or bins < 1:
        raise EvaluationError("E_EVAL_VALUE", f"bins must be by width or mass and at least 1, got {by!r} and {bins}")
    numbers = bin_by_width(p, bins) if by == "width" else bin_by_mass(p, bins)
    return tuple(_bin(int(k), labels[numbers == k], p[numbers == k]) for k in np.unique(numbers))


def _bin(number: int, labels: np.ndarray, p: np.ndarray) -> ReliabilityBin:
    x, n = int(labels.sum()), labels.size
    mean = float(np.sort(p).mean())
    return ReliabilityBin(number + 1, n, x, mean, x / n, *wilson(x, n))


def expected_error(
    y_true: ArrayLike, y_score: ArrayLike, by: str = "width", bins: int = BINS, unit: str = "scan"
) -> dict[str, Estimate]:
    """ECE and the largest error of any bin (MCE), without interval. Lower is better.

    Returns:
        `ece` and `mce`; a note says when tied scores lie on both sides of an edge of equal-mass bins.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., ICML 2017.

    Example:
        >>> round(expected_error([0, 1], [0.2, 0.7])["ece"].value, 3)
        0.25
    """
    found = reliability(y_true, y_score, by, bins)
    labels, p = check_labels(y_true), check_probabilities(y_score)
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit}
    if not found:
        return {name: undefined("no case", **about) for name in ("ece", "mce")}
    gaps = np.array([abs(one.observed - one.mean_predicted) for one in found])
    shares = np.array([one.n for one in found]) / labels.size
    note = "tied scores lie across bins: the value depends on the order of rows" if _ties_across(p, by, bins) else ""
    method = f"{bins} bins by {by}, no interval"
    return {
        "ece": Estimate(float(gaps @ shares), method=method, note=note, **about),
        "mce": Estimate(float(gaps.max()), method=method, note=note, **about),
    }


def _ties_across(p: np.ndarray, by: str, bins: int) -> bool:
    if by != "mass":
        return False
    ordered, numbers = np.sort(p), np.arange(p.size) * bins // p.size
    return bool(np.any((ordered[1:] == ordered[:-1]) & (numbers[1:] != numbers[:-1])))


def loess_error(
    y_true: ArrayLike, y_score: ArrayLike, *, level: float = LEVEL, unit: str = "scan"
) -> dict[str, Estimate]:
    """ICI, E50 and E90: mean, median and 90th centile of |loess(p) - p|. Lower is better.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: probabilities, shape (n,), in [0, 1].
        level: kept beside the numbers; they have no interval.
        unit: what a case is.

    Returns:
        `ici`, `e50`, `e90`; noted where loess is near singular (few distinct scores), None with a reason where it has
        no finite value.

    Source: Austin and Steyerberg, Stat Med 2019; loess of Cleveland, Grosse and Shyu 1992 with span 0.75, degree 2.
    """
    labels, p = check_labels(y_true), check_probabilities(y_score)
    check_lengths(labels=labels, scores=p)
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit, "level": level}
    names, method = ("ici", "e50", "e90"), "loess, span 0.75, degree 2, no interval"
    smooth, told = _fit_loess(labels, p)
    if smooth is None:
        return {name: undefined(NO_LOESS, method=method, **about) for name in names}
    gap = np.abs(smooth - np.sort(p, kind="stable"))
    values = (gap.mean(), np.quantile(gap, 0.5), np.quantile(gap, 0.9))
    return {
        name: Estimate(float(value), method=method, note=told, **about)
        for name, value in zip(names, values, strict=True)
    }


def smooth_observed(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray | None:
    """Loess of labels on probabilities, at the probabilities in canonical order (score, then label).

    Args:
        labels: Boolean, shape (n,).
        probabilities: shape (n,), in [0, 1].

    Returns:
        Shape (n,), ascending in probability; None where loess cannot be fitted.
    """
    return _fit_loess(labels, probabilities)[0]


def _fit_loess(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Fit loess; what R only warns of is raised by scikit-misc, after the same values were fitted."""
    order = np.lexsort((labels, probabilities))
    x, y = probabilities[order], labels[order].astype(float)
    if np.unique(x).size < 2:  # a single case ends the library, and the process with it
        return None, ""
    told, fit = "", loess(x, y)
    try:
        fit.fit()
    except ValueError:
        told = NEAR_SINGULAR
    fitted = np.asarray(fit.outputs.fitted_values)
    return (fitted, told) if np.isfinite(fitted).all() else (None, "")
