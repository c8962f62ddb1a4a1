"""Columns of a prediction table -> Cases: what an evaluation is made of, checked once.

Knows neither files nor models; which threshold is used and where it came from stands in `Threshold`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.clustered import is_clustered
from medres.evaluation.inputs import check_labels, check_lengths, check_probabilities, check_scores, check_unique

SCALES = ("probability", "any")


@dataclass(frozen=True, eq=False)
class Cases:
    """Scored cases with their truth.

    Attributes:
        labels: Boolean truth, shape (n,); True is positive.
        scores: shape (n,), higher is more positive.
        scans: name of each scan, shape (n,).
        patients: patient of each scan, shape (n,); None where nobody said.
        scale: `probability` (calibration and net benefit are measured) or `any`.
        columns: texts that may become subgroups, by column name.
        classes: true class of each case by name; empty for two classes.
        class_names: names of the probability columns.
        probabilities: shape (n, classes), or None.
        unit: what a case is.
    """

    labels: np.ndarray
    scores: np.ndarray
    scans: np.ndarray
    patients: np.ndarray | None = None
    scale: str = "probability"
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    probabilities: np.ndarray | None = None
    unit: str = "scan"

    @property
    def n(self) -> int:
        """Scored cases."""
        return int(self.labels.size)

    @property
    def n_positive(self) -> int:
        """Positive ones."""
        return int(self.labels.sum())

    @property
    def n_patients(self) -> int:
        """Patients; each scan is one where nobody said."""
        return self.n if self.patients is None else int(np.unique(self.patients).size)

    @property
    def clustered(self) -> bool:
        """Whether any patient has several scans."""
        return is_clustered(self.patients)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over scans, patients, labels and scores, in an order of their own."""
        names = self.scans if self.patients is None else self.patients
        rows = sorted(
            zip(map(str, self.scans), map(str, names), self.labels.tolist(), self.scores.tolist(), strict=True)
        )
        return hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest()


@dataclass(frozen=True)
class Threshold:
    """An operating point as an evaluation uses it, and where it came from.

    Attributes:
        name: such as `balanced`.
        value: `score >= value` is positive.
        rule: how it was chosen.
        source: `the model`, `the validation table` or `stated beforehand`.
        chosen_on: digest of the data that it was chosen on; empty where it was stated.
    """

    name: str
    value: float
    rule: str
    source: str
    chosen_on: str = ""


def build_cases(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    scans: Sequence[str] | None = None,
    patients: Sequence[str] | None = None,
    scale: str = "probability",
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Cases:
    """Check columns and put them together.

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,); in [0, 1] when `scale` is `probability`.
        scans: name of each row; None numbers them.
        patients: patient of each row; None where nobody said.
        scale: `probability` or `any`.
        columns: texts that may become subgroups.

    Returns:
        Cases in the order that they came.

    Raises:
        EvaluationError: E_EVAL_EMPTY, E_EVAL_LENGTH, E_EVAL_LABEL, E_EVAL_SCORE, E_EVAL_RANGE, E_EVAL_DUPLICATE.

    Example:
        >>> build_cases([0, 1, 1], [0.2, 0.7, 0.6], patients=["a", "b", "b"]).clustered
        True
    """
    if scale not in SCALES:
        raise EvaluationError("E_EVAL_VALUE", f"the scale must be one of {', '.join(SCALES)}, got {scale[:20]!r}")
    truth = check_labels(labels)
    values = check_probabilities(scores) if scale == "probability" else check_scores(scores)
    if not truth.size:
        raise EvaluationError("E_EVAL_EMPTY", "at least one scored case is needed, got 0")
    names = np.arange(truth.size).astype(str) if scans is None else np.asarray(scans, dtype=str)
    people = None if patients is None else np.asarray(patients, dtype=str)
    check_lengths(labels=truth, scores=values, scans=names, patients=people, **dict(columns or {}))
    check_unique(names)
    return Cases(truth, values, names, people, scale, dict(columns or {}))
