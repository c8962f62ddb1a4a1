"""Several readers, two or more ways of reading the same cases -> is one way better (Obuchowski-Rockette).

Readers and cases are both random; the covariances of AUROCs come from DeLong's placements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL
from medres.evaluation.inputs import check_labels, check_lengths, check_scores, check_two_classes
from medres.evaluation.ranking import build_placements, delong_covariance


@dataclass(frozen=True)
class ReaderStudy:
    """Result of a multi-reader multi-case study.

    Attributes:
        auroc: of each way and reader, shape (ways, readers).
        mean_auroc: of each way over readers, shape (ways,).
        differences: (way, way, difference, lower, upper, p) for each pair of ways.
        f: Obuchowski-Rockette's F for "all ways equal"; None where it is 0 over 0.
        df1: its degrees of freedom above.
        df2: below (Hillis 2007).
        p: two-sided; None with `reason`.
        covariances: mean variance, then Cov1 (same reader), Cov2 (same way), Cov3 (neither).
        n: cases.
        n_positive: positive cases.
        level: confidence level.
        method: name.
        reason: why there is no test; empty otherwise.
    """

    auroc: tuple[tuple[float, ...], ...]
    mean_auroc: tuple[float, ...]
    differences: tuple[tuple[int, int, float, float | None, float | None, float | None], ...]
    f: float | None
    df1: int
    df2: float | None
    p: float | None
    covariances: tuple[float, float, float, float]
    n: int
    n_positive: int
    level: float = LEVEL
    method: str = "Obuchowski-Rockette, DeLong covariances, Hillis' degrees of freedom"
    reason: str = ""


def compare_ways(y_true: ArrayLike, ratings: ArrayLike, level: float = LEVEL) -> ReaderStudy:
    """Compare ways of reading (such as without and with the model) over readers and cases.

    Args:
        y_true: labels 0 or 1, shape (n,).
        ratings: scores, shape (ways, readers, n); at least two of each.
        level: confidence level.

    Returns:
        AUROCs, differences with t intervals and the F test.

    Raises:
        EvaluationError: E_EVAL_VALUE for fewer than two ways or readers; the refusals of labels and scores.

    Source: Obuchowski and Rockette, Commun Stat Simul 1995; Hillis, Stat Med 2007; Hillis, Berbaum and Metz 2008.
    """
    labels, table = check_labels(y_true), np.asarray(ratings, float)
    if table.ndim != 3 or min(table.shape[:2]) < 2:
        raise EvaluationError("E_EVAL_VALUE", f"ratings must be (ways, readers, cases), two of each, got {table.shape}")
    check_lengths(labels=labels, cases=table[0, 0])
    check_two_classes(labels)
    check_scores(table.ravel())
    areas, covariance = _areas(labels, table)
    parts = _mean_covariances(covariance, *table.shape[:2])
    return _test(areas, parts, labels, level)


def _areas(labels: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs (ways, readers) and the covariances of all of them (ways x readers, ways x readers)."""
    placed = [build_placements(labels, scores) for way in table for scores in way]
    covariance = np.array([[delong_covariance(one, two) for two in placed] for one in placed])
    return np.array([one.auroc for one in placed]).reshape(table.shape[:2]), covariance


def _mean_covariances(covariance: np.ndarray, ways: int, readers: int) -> tuple[float, float, float, float]:
    way, reader = np.divmod(np.arange(ways * readers), readers)
    same_way, same_reader = way[:, None] == way, reader[:, None] == reader
    kinds = (same_way & same_reader, ~same_way & same_reader, same_way & ~same_reader, ~same_way & ~same_reader)
    found = [float(covariance[kind].mean()) for kind in kinds]
    return found[0], found[1], found[2], found[3]


def _test(areas: np.ndarray, parts: tuple[float, float, float, float], labels: np.ndarray, level: float) -> ReaderStudy:
    ways, readers = areas.shape
    means, rows, columns = areas.mean(), areas.mean(axis=1), areas.mean(axis=0)
    ms_way = readers * float(np.sum((rows - means) ** 2)) / (ways - 1)
    residual = areas - rows[:, None] - columns[None] + means
    ms_both = float(np.sum(residual**2)) / ((ways - 1) * (readers - 1))
    bottom = ms_both + max(readers * (parts[2] - parts[3]), 0.0)
    frozen = tuple(tuple(map(float, row)) for row in areas), tuple(map(float, rows))
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "level": level}
    if bottom < 1e-15:
        same = tuple((j, i, float(rows[i] - rows[j]), None, None, None) for i in range(ways) for j in range(i))
        told = "the ways do not differ in any reader: no variance"
        return ReaderStudy(*frozen, same, None, ways - 1, None, None, parts, **about, reason=told)
    df2 = bottom**2 / (ms_both**2 / ((ways - 1) * (readers - 1))) if ms_both > 0 else np.inf
    f = ms_way / bottom
    half = float(stats.t.ppf(0.5 + level / 2, df2)) * np.sqrt(2 * bottom / readers)
    pairs = tuple(
        _pair(i, j, float(rows[j] - rows[i]), half, bottom, readers, df2)
        for i in range(ways)
        for j in range(i + 1, ways)
    )
    p = float(stats.f.sf(f, ways - 1, df2))
    return ReaderStudy(*frozen, pairs, f, ways - 1, float(df2), p, parts, **about)


def _pair(
    i: int, j: int, difference: float, half: float, bottom: float, readers: int, df2: float
) -> tuple[int, int, float, float, float, float]:
    """One pair of ways, second minus first, with its t interval and p."""
    t = abs(difference) / np.sqrt(2 * bottom / readers)
    return i, j, difference, float(difference - half), float(difference + half), float(2 * stats.t.sf(t, df2))
