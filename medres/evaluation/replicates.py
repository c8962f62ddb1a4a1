"""Counts of resampled cases -> AUROC, average precision, attainable points and net benefit of every resample at once.

Knows nothing of how the resamples were drawn. With one row of ones these are the estimates themselves.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medres.evaluation.resampling import RankedCases


@dataclass(frozen=True, eq=False)
class Curves:
    """True and false positives of each resample at each distinct score, thresholds ascending.

    Attributes:
        positive: positives at each distinct score, shape (b, k).
        tp: positives at or above it, shape (b, k).
        fp: negatives at or above it, shape (b, k).
        scores: distinct scores, ascending, shape (k,).
    """

    positive: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    scores: np.ndarray

    @property
    def n_positive(self) -> np.ndarray:
        """Positives of each resample, shape (b,)."""
        return np.asarray(self.tp[:, 0])

    @property
    def n_negative(self) -> np.ndarray:
        """Negatives of each resample, shape (b,)."""
        return np.asarray(self.fp[:, 0])


def build_curves(cases: RankedCases, weights: np.ndarray) -> Curves:
    """Sum resampled cases per distinct score.

    Args:
        cases: ranked.
        weights: counts, shape (b, n).
    """
    ill = weights * cases.labels  # (b, n)
    if cases.starts.size == cases.labels.size:  # no ties: nothing to sum
        positive, every = ill, weights
    else:
        positive, every = (np.add.reduceat(part, cases.starts, axis=1) for part in (ill, weights))  # (b, k)
    tp, called = (_from_above(part) for part in (positive, every))
    return Curves(positive.astype(np.float64), tp, called - tp, cases.distinct)


def _from_above(counts: np.ndarray) -> np.ndarray:
    """Sum counts from each score upwards, shape (b, k) float64; exact up to 2^53."""
    return np.cumsum(counts[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]


def auroc(curves: Curves) -> np.ndarray:
    """Mann-Whitney's statistic of each resample, shape (b,); NaN where a class is missing."""
    beyond = np.append(curves.fp[:, 1:], np.zeros((curves.fp.shape[0], 1)), axis=1)  # negatives above each score
    beaten = np.einsum("bk,bk->b", curves.positive, curves.fp + beyond) / 2
    return _divide(curves.n_positive * curves.n_negative - beaten, curves.n_positive * curves.n_negative)


def average_precision(curves: Curves) -> np.ndarray:
    """Average precision over distinct scores of each resample, shape (b,)."""
    precision = curves.tp / np.maximum(curves.tp + curves.fp, 1)
    return _divide(np.einsum("bk,bk->b", curves.positive, precision), curves.n_positive)


def rates_at(curves: Curves, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity and specificity at a threshold, each shape (b,)."""
    tp, fp = counts_at(curves, threshold)
    return _divide(tp, curves.n_positive), _divide(curves.n_negative - fp, curves.n_negative)


def counts_at(curves: Curves, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives at a threshold, each shape (b,)."""
    place = int(np.searchsorted(curves.scores, threshold, side="left"))
    if place == curves.scores.size:
        return np.zeros_like(curves.n_positive), np.zeros_like(curves.n_positive)
    return curves.tp[:, place], curves.fp[:, place]


def best_sensitivity(curves: Curves, specificity: float) -> np.ndarray:
    """Highest attainable sensitivity with at least this specificity, shape (b,); calling nothing positive counts."""
    found = np.full(curves.tp.shape[0], np.nan)
    for row, (tp, fp) in enumerate(zip(curves.tp, curves.fp, strict=True)):
        if tp[0] and fp[0]:
            first = _first(fp.size, lambda k, fp=fp: (fp[0] - fp[k]) / fp[0] >= specificity)  # type: ignore[misc]
            found[row] = tp[first] / tp[0] if first < fp.size else 0.0
    return found


def best_specificity(curves: Curves, sensitivity: float) -> np.ndarray:
    """Highest attainable specificity with at least this sensitivity, shape (b,)."""
    found = np.full(curves.tp.shape[0], np.nan)
    for row, (tp, fp) in enumerate(zip(curves.tp, curves.fp, strict=True)):
        if tp[0] and fp[0]:
            last = _first(tp.size, lambda k, tp=tp: tp[k] / tp[0] < sensitivity) - 1  # type: ignore[misc]
            found[row] = (fp[0] - fp[last]) / fp[0]
    return found


def _first(size: int, holds: Callable[[int], bool]) -> int:
    """First place from which a condition holds (it never stops holding); `size` where it never does."""
    return bisect.bisect_left(range(size), True, key=holds)


def partial_area(curves: Curves, low: float) -> np.ndarray:
    """Area under the ROC curve between specificity `low` and 1, trapezes, shape (b,); between 0 and 1 - low."""
    found = np.full(curves.tp.shape[0], np.nan)
    for row, (tp, fp) in enumerate(zip(curves.tp, curves.fp, strict=True)):
        if tp[0] and fp[0]:
            reach = np.searchsorted(fp[::-1], (1 - low) * fp[0], side="right") + 1  # one point beyond the edge
            x = np.append(0.0, fp[::-1][:reach] / fp[0])
            y = np.append(0.0, tp[::-1][:reach] / tp[0])
            found[row] = _area_until(x, y, 1 - low)
    return found


def _area_until(x: np.ndarray, y: np.ndarray, edge: float) -> float:
    """Area of trapezes from 0 to an edge, the last one cut."""
    width, rise = np.diff(x), np.diff(y)
    kept = np.clip(edge - x[:-1], 0, width)
    slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
    return float(np.sum(kept * (y[:-1] + slope * kept / 2)))


def net_benefit(curves: Curves, thresholds: np.ndarray) -> np.ndarray:
    """Net benefit of acting at each threshold, shape (b, t)."""
    places = np.searchsorted(curves.scores, thresholds, side="left")
    n = (curves.n_positive + curves.n_negative)[:, None]
    padded_tp, padded_fp = (np.append(part, np.zeros((part.shape[0], 1)), axis=1) for part in (curves.tp, curves.fp))
    return np.asarray(padded_tp[:, places] / n - padded_fp[:, places] / n * (thresholds / (1 - thresholds)))


def sensitivity_at(curves: Curves, false_positive_rates: np.ndarray) -> np.ndarray:
    """Highest attainable sensitivity at each false positive rate, shape (b, g): the vertical band of a ROC curve."""
    found = np.empty((curves.tp.shape[0], false_positive_rates.size))
    for row, (tp, fp) in enumerate(zip(curves.tp, curves.fp, strict=True)):
        places = np.searchsorted(fp[::-1], false_positive_rates * fp[0] + 1e-9, side="right")
        found[row] = np.append(0.0, tp[::-1])[places] / max(tp[0], 1.0)
    return found


def precision_at(curves: Curves, recalls: np.ndarray) -> np.ndarray:
    """Precision at the highest threshold that reaches each recall, shape (b, g): the band of a PR curve."""
    found = np.empty((curves.tp.shape[0], recalls.size))
    for row, (tp, fp) in enumerate(zip(curves.tp, curves.fp, strict=True)):
        places = np.searchsorted(tp[::-1], np.maximum(recalls * tp[0] - 1e-9, 0.5), side="left")
        hit, miss = tp[::-1][places], fp[::-1][places]
        found[row] = hit / np.maximum(hit + miss, 1)
    return found


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    top, bottom = np.broadcast_arrays(np.asarray(top, float), np.asarray(bottom, float))
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0))
