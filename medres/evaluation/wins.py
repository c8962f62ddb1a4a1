"""Counts of resampled cases -> AUROC and net benefit of every resample, without building its curve.

For a few numbers of many cases: `replicates` gives the same to the last bit, and every other statistic, at a higher
price. Knows nothing of how the resamples were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Ranking:
    """One score on one set of cases, ranked once for all resamples.

    Attributes:
        positive: places of the positives in a row of counts, ascending in score, shape (n_positive,).
        negative: places of the negatives, ascending in score, shape (n_negative,).
        positive_scores: ascending, shape (n_positive,).
        negative_scores: ascending, shape (n_negative,).
        below: negatives below each positive, shape (n_positive,).
        up_to: negatives below or tied with each positive, shape (n_positive,).
    """

    positive: np.ndarray
    negative: np.ndarray
    positive_scores: np.ndarray
    negative_scores: np.ndarray
    below: np.ndarray
    up_to: np.ndarray


def build_ranking(labels: np.ndarray, scores: np.ndarray, places: np.ndarray | None = None) -> Ranking:
    """Rank one score.

    Args:
        labels: Boolean, shape (m,).
        scores: shape (m,).
        places: where each case stands in a row of counts, shape (m,); None takes the cases in their order.

    Example:
        >>> build_ranking(np.array([True, False, False]), np.array([0.5, 0.5, 0.1])).up_to
        array([2])
    """
    order = np.argsort(scores, kind="stable")
    ill = labels[order]
    where = order if places is None else places[order]
    positive, negative = scores[order][ill], scores[order][~ill]
    below, up_to = (np.searchsorted(negative, positive, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
    return Ranking(where[ill], where[~ill], positive, negative, below, up_to)


@dataclass(frozen=True, eq=False)
class Counted:
    """Resampled cases of one ranking.

    Attributes:
        ranking: of the score.
        positive: how often each positive counts, ascending in score, shape (b, n_positive).
        negatives_below: negatives counted from the lowest score up, none first, shape (b, n_negative + 1).
    """

    ranking: Ranking
    positive: np.ndarray
    negatives_below: np.ndarray


def count(ranking: Ranking, weights: np.ndarray) -> Counted:
    """Bring resamples into the order of a score.

    Args:
        ranking: of the score.
        weights: how often each case counts, integers, shape (b, n).
    """
    positive = np.take(weights, ranking.positive, axis=1)  # (b, n_positive)
    return Counted(ranking, positive, _from_below(np.take(weights, ranking.negative, axis=1)))


def auroc(counted: Counted) -> np.ndarray:
    """Mann-Whitney's statistic of each resample, ties counted one half.

    Args:
        counted: the resamples.

    Returns:
        Shape (b,); NaN where a class is missing.

    Example:
        >>> ranking = build_ranking(np.array([True, False, False]), np.array([0.5, 0.5, 0.1]))
        >>> auroc(count(ranking, np.array([[1, 1, 1], [1, 0, 2]])))
        array([0.75, 1.  ])
    """
    ranking, lower = counted.ranking, counted.negatives_below
    beaten = np.take(lower, ranking.below, axis=1) + np.take(lower, ranking.up_to, axis=1)  # (b, n_positive)
    wins = np.einsum("bk,bk->b", counted.positive, beaten) / 2
    pairs = counted.positive.sum(axis=1, dtype=np.int64) * lower[:, -1]
    return np.asarray(np.divide(wins, pairs, out=np.full(wins.size, np.nan), where=pairs > 0))


def net_benefit(counted: Counted, thresholds: np.ndarray) -> np.ndarray:
    """Net benefit of acting at each threshold probability.

    Args:
        counted: the resamples.
        thresholds: in (0, 1), shape (t,).

    Returns:
        Shape (b, t).

    Example:
        >>> ranking = build_ranking(np.array([True, False]), np.array([0.6, 0.4]))
        >>> net_benefit(count(ranking, np.array([[1, 1]])), np.array([0.5, 0.2]))
        array([[0.5  , 0.375]])
    """
    ranking = counted.ranking
    tp = _at_or_above(_from_below(counted.positive), ranking.positive_scores, thresholds)
    fp = _at_or_above(counted.negatives_below, ranking.negative_scores, thresholds)
    n = counted.positive.sum(axis=1, dtype=np.int64) + counted.negatives_below[:, -1]
    return np.asarray(tp / n[:, None] - fp / n[:, None] * (thresholds / (1 - thresholds)))


def _from_below(counts: np.ndarray) -> np.ndarray:
    """Count from the lowest score up, none first, shape (b, m + 1)."""
    found = np.zeros((counts.shape[0], counts.shape[1] + 1), np.int64)
    np.cumsum(counts, axis=1, out=found[:, 1:])
    return found


def _at_or_above(below: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Cases of a class whose score reaches each threshold, shape (b, t)."""
    return np.asarray(below[:, -1:] - below[:, np.searchsorted(scores, thresholds, side="left")])
