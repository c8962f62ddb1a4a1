"""Labels and scores -> how often each case stands in each bootstrap resample, in blocks that fit the memory.

A resample is a row of counts over the canonical order of cases, so that every statistic of `replicates` is a few
vectorised sums. Fixed indices (a published resampling) and fresh ones from a seed come out in the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL
from medres.evaluation.inputs import check_labels, check_lengths, check_scores

BLOCK_CELLS = 400_000  # resamples x cases held at once
CACHED_CELLS = 100_000  # the same where little is done with each: they stay in a core's cache

Weights = Iterator[np.ndarray]


@dataclass(frozen=True, eq=False)
class Resampling:
    """How a bootstrap is drawn.

    Attributes:
        resamples: how many; 0 leaves every bootstrap interval out.
        seed: same seed, same resamples, in whatever order the rows came.
        patients: patient of each row as given, shape (n,), where patients have several scans: whole patients are then
            drawn; None draws cases within each class.
        level: confidence level.
    """

    resamples: int = 2000
    seed: int = 0
    patients: np.ndarray | None = None
    level: float = LEVEL

    @property
    def method(self) -> str:
        """Name of the interval, as every estimate carries it."""
        return ("stratified" if self.patients is None else "patient") + " bootstrap, percentile"


@dataclass(frozen=True, eq=False)
class RankedCases:
    """Cases in canonical order (score, then label), with where each distinct score starts.

    Attributes:
        labels: Boolean, shape (n,).
        scores: ascending, shape (n,).
        starts: first case of each distinct score, shape (k,).
        order: row, as it was given, of each case, shape (n,).
    """

    labels: np.ndarray
    scores: np.ndarray
    starts: np.ndarray
    order: np.ndarray

    @property
    def distinct(self) -> np.ndarray:
        """Distinct scores, ascending, shape (k,)."""
        return np.asarray(self.scores[self.starts])


def rank_cases(y_true: ArrayLike, y_score: ArrayLike) -> RankedCases:
    """Check cases and rank them once for all resamples.

    Raises:
        EvaluationError: as `check_binary`.

    Example:
        >>> rank_cases([1, 0, 0], [0.5, 0.5, 0.1]).starts
        array([0, 1])
    """
    labels, scores = check_labels(y_true), check_scores(y_score)
    check_lengths(labels=labels, scores=scores)
    if not labels.size:
        raise EvaluationError("E_EVAL_EMPTY", "at least one case is needed, got 0")
    order = np.lexsort((labels, scores))
    labels, scores = labels[order], scores[order]
    starts = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))
    return RankedCases(labels, scores, starts, order)


def resample(cases: RankedCases, plan: Resampling) -> Weights:
    """Draw resamples: cases within each class, or whole patients where a patient has several scans.

    Args:
        cases: ranked.
        plan: how many, from which seed, by which patients.

    Returns:
        Blocks of counts.
    """
    if plan.patients is None:
        return draw_stratified(cases.labels, plan.resamples, plan.seed)
    check_lengths(labels=cases.labels, patients=plan.patients)
    return draw_patients(np.asarray(plan.patients)[cases.order], cases.labels, plan.resamples, plan.seed)


def draw_stratified(strata: np.ndarray, resamples: int, seed: int, cells: int = BLOCK_CELLS) -> Weights:
    """Draw cases with replacement within each stratum, as many as it has.

    Args:
        strata: stratum of each case in canonical order, shape (n,); a Boolean label does.
        resamples: how many.
        seed: same seed, same resamples.
        cells: resamples x cases of one block; another number gives the same resamples.

    Yields:
        Counts, shape (b, n) int32; rows sum to n.
    """
    members = [_as_slice(np.flatnonzero(strata == value)) for value in np.unique(strata)]
    rng = np.random.default_rng(seed)
    for size in _blocks(resamples, strata.size, cells):
        counts = np.empty((size, strata.size), np.int32)
        for row in counts:
            _draw_counts(rng, members, row)
        yield counts


def _as_slice(places: np.ndarray) -> np.ndarray | slice:
    """Name neighbours by a slice, which is written several times as fast."""
    whole = places[-1] - places[0] + 1 == places.size
    return slice(int(places[0]), int(places[-1]) + 1) if whole else places


def _blocks(resamples: int, n: int, cells: int) -> Iterator[int]:
    size = max(1, cells // max(n, 1))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)


def _draw_counts(rng: np.random.Generator, members: list[np.ndarray | slice], row: np.ndarray) -> None:
    """Write one resample into a row: as many draws with replacement from each stratum as it has members."""
    for group in members:
        size = row[group].size
        row[group] = np.bincount(rng.integers(0, size, size, dtype=np.int32), minlength=size)


def draw_patients(
    patients: np.ndarray, labels: np.ndarray, resamples: int, seed: int, cells: int = BLOCK_CELLS
) -> Weights:
    """Draw whole patients with replacement, those with a positive scan and those without apart.

    Args:
        patients: patient of each case, shape (n,).
        labels: Boolean, shape (n,), in the same order.
        resamples: how many.
        seed: same seed, same resamples.
        cells: resamples x cases of one block; another number gives the same resamples.

    Yields:
        Counts, shape (b, n) int32: each case as often as its patient was drawn.
    """
    names, codes = np.unique(patients, return_inverse=True)
    ill = np.zeros(names.size, bool)
    np.logical_or.at(ill, codes, labels)
    block = max(1, cells // max(patients.size, 1))
    for drawn in draw_stratified(ill, resamples, seed, cells):
        for start in range(0, drawn.shape[0], block):
            yield drawn[start : start + block][:, codes]


def from_rows(cases: RankedCases, rows: np.ndarray) -> Weights:
    """Turn published resamples (rows of the data as given) into counts.

    Args:
        cases: ranked.
        rows: row numbers from 0, shape (resamples, size).

    Yields:
        Counts, shape (1, n).
    """
    for row in rows:
        yield np.bincount(row, minlength=cases.labels.size)[cases.order][None]


def from_patients(cases: RankedCases, patients: Sequence[str] | np.ndarray, drawn: np.ndarray) -> Weights:
    """Turn published resamples of patients into counts of their scans.

    Args:
        cases: ranked.
        patients: patient of each row as given, shape (n,).
        drawn: numbers from 0 into the sorted patients, shape (resamples, size).

    Yields:
        Counts, shape (1, n).
    """
    names, codes = np.unique(np.asarray(patients), return_inverse=True)
    for row in drawn:
        yield np.bincount(row, minlength=names.size)[codes[cases.order]][None]
