"""Several scans of a patient -> an AUROC whose interval knows that they are not independent (Obuchowski).

Naive DeLong on such scans is refused here; whoever wants it must take it by its own name and say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.discrimination import with_interval
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_labels, check_lengths, check_scores, missing_class
from medres.evaluation.ranking import Placements, build_placements


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """What each patient adds to Obuchowski's variance.

    Attributes:
        positive: sum of (placement - AUROC) over the patient's positives, shape (patients,).
        negative: the same over its negatives, shape (patients,).
        has_positive: whether it has any positive, shape (patients,).
        has_negative: whether it has any negative, shape (patients,).
        n_positive: positive scans in all.
        n_negative: negative scans in all.
    """

    positive: np.ndarray
    negative: np.ndarray
    has_positive: np.ndarray
    has_negative: np.ndarray
    n_positive: int
    n_negative: int


def is_clustered(patients: ArrayLike | None) -> bool:
    """Whether any patient has several scans.

    Example:
        >>> is_clustered(["a", "b", "a"]), is_clustered(None)
        (True, False)
    """
    if patients is None:
        return False
    names = np.asarray(patients)
    return np.unique(names).size < names.size


def refuse_clustered(patients: ArrayLike | None) -> None:
    """Refuse several scans of a patient where independent ones are needed.

    Raises:
        EvaluationError: E_EVAL_CLUSTERED with both counts.
    """
    if is_clustered(patients):
        names = np.asarray(patients)
        told = f"cases must be independent, got {names.size} scans of {np.unique(names).size} patients"
        raise EvaluationError("E_EVAL_CLUSTERED", told)


def canonical_order(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Order of rows that does not depend on how they came: by score, label, patient."""
    _, codes = np.unique(patients, return_inverse=True)
    return np.lexsort((codes, labels, scores))


def sum_clusters(labels: np.ndarray, placed: Placements, value: float, patients: np.ndarray) -> ClusterSums:
    """Sum centred placements within each patient.

    Args:
        labels: Boolean, shape (n,).
        placed: placement values of the same rows.
        value: the AUROC.
        patients: patient of each row, shape (n,).
    """
    names, codes = np.unique(patients, return_inverse=True)
    ill, well = codes[labels], codes[~labels]
    return ClusterSums(
        np.bincount(ill, placed.positive - value, names.size),
        np.bincount(well, placed.negative - value, names.size),
        np.bincount(ill, minlength=names.size) > 0,
        np.bincount(well, minlength=names.size) > 0,
        ill.size,
        well.size,
    )


def obuchowski_covariance(first: ClusterSums, second: ClusterSums) -> float:
    """Covariance of two AUROCs on the same clustered scans (with itself: the variance).

    Returns:
        NaN when fewer than two patients have a positive, or a negative.

    Source: Obuchowski, Biometrics 1997, equations 1 to 4.
    """
    patients = first.positive.size
    with_positive, with_negative = int(first.has_positive.sum()), int(first.has_negative.sum())
    if with_positive < 2 or with_negative < 2:
        return float("nan")
    m, n = first.n_positive, first.n_negative
    s10 = first.positive @ second.positive * with_positive / (with_positive - 1)
    s01 = first.negative @ second.negative * with_negative / (with_negative - 1)
    crossed = first.positive @ second.negative + first.negative @ second.positive
    s11 = crossed * patients / (patients - 1)
    return float(s10 / m**2 + s01 / n**2 + s11 / (m * n))


def auroc_clustered(
    y_true: ArrayLike,
    y_score: ArrayLike,
    patients: ArrayLike,
    *,
    method: str = "logit-obuchowski",
    level: float = LEVEL,
    unit: str = "scan",
) -> Estimate:
    """AUROC over scans with an interval that treats patients as clusters. Higher is better.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        patients: patient of each scan, shape (n,).
        method: `logit-obuchowski` or `obuchowski` (clipped).
        level: confidence level.
        unit: what a row is.

    Returns:
        The same value as `auroc`, another interval. Equal to DeLong's when every patient has one scan, but for factors
        of I/(I - 1) that Obuchowski takes over patients.

    Source: Obuchowski, Biometrics 1997.

    Example:
        >>> auroc_clustered([0, 1, 0, 1], [0.1, 0.8, 0.4, 0.3], ["a", "a", "b", "b"]).value
        0.75
    """
    labels, scores, names = check_labels(y_true), check_scores(y_score), np.asarray(patients)
    check_lengths(labels=labels, scores=scores, patients=names)
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit, "level": level}
    if told := missing_class(labels):
        return undefined(told, method=method, **about)
    order = canonical_order(labels, scores, names)
    labels, scores, names = labels[order], scores[order], names[order]
    placed = build_placements(labels, scores)
    sums = sum_clusters(labels, placed, placed.auroc, names)
    return with_interval(placed.auroc, obuchowski_covariance(sums, sums), method=method, **about)
