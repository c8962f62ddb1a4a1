"""Scores of two classes -> placement values, the pieces that AUROC and its variance are made of.

Knows no interval. A placement is the share of the other class that a case outranks, ties counted one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Placements:
    """Placement values of one score on one set of cases.

    Attributes:
        positive: share of negatives that each positive outranks, shape (n_positive,), in [0, 1].
        negative: share of positives that outrank each negative, shape (n_negative,), in [0, 1].
    """

    positive: np.ndarray
    negative: np.ndarray

    @property
    def auroc(self) -> float:
        """Mann-Whitney's statistic: mean placement of the positives."""
        return float(self.positive.mean())


def outranked(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of others that each score outranks, ties counted one half.

    Args:
        scores: shape (n,).
        others: shape (m,), m >= 1.

    Returns:
        Shape (n,), in [0, 1].

    Example:
        >>> outranked(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([0.75, 1.  ])
    """
    reference = np.sort(others)
    below = np.searchsorted(reference, scores, side="left")
    at_or_below = np.searchsorted(reference, scores, side="right")
    return (below + at_or_below) / (2 * reference.size)


def build_placements(labels: np.ndarray, scores: np.ndarray) -> Placements:
    """Compute the placement values of both classes.

    Args:
        labels: Boolean, shape (n,); both classes present.
        scores: float64, shape (n,).

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988; Sun and Xu, IEEE SPL 2014 (the fast form).
    """
    positive, negative = scores[labels], scores[~labels]
    return Placements(outranked(positive, negative), 1 - outranked(negative, positive))


def delong_covariance(first: Placements, second: Placements) -> float:
    """Covariance of two AUROCs on the same independent cases (with itself: the variance).

    Returns:
        NaN when a class has fewer than two cases.

    Source: DeLong 1988, equation 6.

    Example:
        >>> placed = build_placements(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.5, 0.1]))
        >>> delong_covariance(placed, placed)
        0.125
    """
    if first.positive.size < 2 or first.negative.size < 2:
        return float("nan")
    return sum(
        float(np.sum((one - one.mean()) * (two - two.mean())) / (one.size - 1) / one.size)  # no BLAS: its bits vary
        for one, two in ((first.positive, second.positive), (first.negative, second.negative))
    )
