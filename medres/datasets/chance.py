"""Planes of many scans -> the likeness that two different scans of this set reach by chance.

Knows arrays alone. Chest X-rays of 28 pixels all look alike, ultrasound pictures do not: how alike two scans must be
before they may be called copies depends on the set, and is measured on pairs drawn from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from medres.datasets.neighbours import Candidates
from medres.datasets.symmetry import LAYS
from medres.datasets.twins import judge_all

SAMPLED = 2000  # pairs drawn
LEAST_JUDGED = 50  # of them that could be laid over each other; with fewer nothing is said
ONE_SPREAD = float(norm.cdf(1.0))  # the quantile one standard deviation above the middle
HIGHEST = 0.9999


def chance_likeness(
    planes: NDArray[np.uint8], native_sides: NDArray[np.int64], threads: int = 1, seed: int = 0
) -> float:
    """Say from which likeness less than one pair of the whole set is expected to lie by chance.

    Pairs are drawn and judged as candidates are. Their likeness (Fisher's z) is taken as normal, by its median and
    upper quantile, so that copies among the drawn pairs weigh little; the tail is followed as far as the number of
    pairs and lays that the whole set offers.

    Args:
        planes: (N, P, 64, 64).
        native_sides: (N,), smaller side of the scan in pixels.
        threads: for judging.
        seed: of the draw.

    Returns:
        In [0, 1); 0 where too few pairs can be laid over each other to say.

    Source:
        Fisher 1921 (z transform); a Bonferroni bound on the number of comparisons.
    """
    count = len(planes)
    pairs = _draw(count, seed)
    nothing = np.zeros(len(pairs), np.int64)
    drawn = Candidates(pairs, nothing, nothing, nothing.astype(np.float32))
    scores = judge_all(planes, native_sides, drawn, threads=threads, worth=-1.0)
    judged = scores[scores != 0]
    if len(judged) < LEAST_JUDGED:
        return 0.0
    middle, high = np.quantile(np.arctanh(np.clip(judged, -HIGHEST, HIGHEST)), (0.5, ONE_SPREAD))
    comparisons = len(LAYS) * count * (count - 1) / 2 * len(judged) / len(pairs)
    return float(np.tanh(middle + (high - middle) * norm.isf(1 / comparisons)))


def _draw(count: int, seed: int) -> NDArray[np.int64]:
    """Draw pairs of different scans; all of them where there are few."""
    if count * (count - 1) // 2 <= SAMPLED:
        return np.stack(np.triu_indices(count, 1), axis=1).astype(np.int64)
    pairs = np.random.default_rng(seed).integers(0, count, (SAMPLED, 2))
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]], np.int64)
