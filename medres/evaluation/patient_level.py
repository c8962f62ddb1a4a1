"""Scores of scans -> one score and one label per patient, by a stated rule.

A patient is positive if any of its scans is. Knows no metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.inputs import check_labels, check_lengths, check_probabilities, check_scores

RULES = ("max", "mean", "noisy-or")


@dataclass(frozen=True, eq=False)
class PatientScores:
    """One row per patient.

    Attributes:
        patients: sorted, shape (p,).
        labels: Boolean, shape (p,); any scan positive.
        scores: shape (p,).
        rule: `max`, `mean` or `noisy-or`.
    """

    patients: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    rule: str


def pool_by_patient(y_true: ArrayLike, y_score: ArrayLike, patients: ArrayLike, rule: str = "max") -> PatientScores:
    """Pool scans into patients.

    Args:
        y_true: labels of scans, 0 or 1, shape (n,).
        y_score: scores of scans, shape (n,); probabilities for `noisy-or`.
        patients: patient of each scan, shape (n,).
        rule: `max`; `mean`; `noisy-or`, 1 - product of (1 - p).

    Returns:
        Patients in sorted order.

    Raises:
        EvaluationError: E_EVAL_VALUE for another rule, E_EVAL_RANGE for noisy-or of scores that are no probabilities.

    Example:
        >>> pool_by_patient([0, 1, 0], [0.2, 0.6, 0.3], ["b", "b", "a"]).scores
        array([0.3, 0.6])
    """
    labels, scores, names = check_labels(y_true), check_scores(y_score), np.asarray(patients)
    check_lengths(labels=labels, scores=scores, patients=names)
    if rule not in RULES:
        raise EvaluationError("E_EVAL_VALUE", f"the patient rule must be one of {', '.join(RULES)}, got {rule[:20]!r}")
    if rule == "noisy-or":
        check_probabilities(scores)
    _, codes = np.unique(names, return_inverse=True)
    order = np.lexsort((scores, codes))  # within a patient by score, so that sums do not depend on the rows' order
    unique, starts = np.unique(names[order], return_index=True)
    pooled = _POOLS[rule](scores[order], starts)
    return PatientScores(unique, np.logical_or.reduceat(labels[order], starts), pooled, rule)


def _mean(scores: np.ndarray, starts: np.ndarray) -> np.ndarray:
    parts = np.split(scores, starts[1:])
    return np.array([math.fsum(part) / part.size for part in parts])  # exactly rounded: doubling a scan changes no bit


def _noisy_or(scores: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.asarray(1 - np.multiply.reduceat(1 - scores, starts))


def _max(scores: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum.reduceat(scores, starts))


_POOLS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"max": _max, "mean": _mean, "noisy-or": _noisy_or}
