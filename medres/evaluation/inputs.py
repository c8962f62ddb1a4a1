"""Labels and scores as they come -> arrays that a number can be made of, or a refusal with its code.

Knows no metric. Rows are put into one canonical order, so that permuted rows give bit-equal results.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError

SHOWN_ROWS = 5  # rows that a message names


def check_lengths(**columns: Sequence | np.ndarray | None) -> int:
    """Refuse columns of unequal length.

    Args:
        **columns: arrays by name; None is left out.

    Returns:
        The common length.

    Raises:
        EvaluationError: E_EVAL_LENGTH.
    """
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise EvaluationError("E_EVAL_LENGTH", f"columns must be of equal length, got {told}")
    return next(iter(lengths.values()), 0)


def check_labels(y_true: ArrayLike) -> np.ndarray:
    """Refuse labels that are not 0 or 1.

    Args:
        y_true: labels, shape (n,), 0 or 1 (or False and True).

    Returns:
        Boolean array, shape (n,); True is positive.

    Raises:
        EvaluationError: E_EVAL_LABEL naming the first values that are neither.
    """
    labels = np.asarray(y_true)
    if labels.ndim != 1:
        raise EvaluationError("E_EVAL_LABEL", f"labels must be one column, got shape {labels.shape}")
    strange = [str(value) for value in dict.fromkeys(labels.tolist()) if value not in (0, 1)]
    if strange:
        told = ", ".join(strange[:SHOWN_ROWS])
        raise EvaluationError("E_EVAL_LABEL", f"labels must be 0 or 1, got {len(strange)} other value(s): {told}")
    return labels.astype(bool)


def check_scores(y_score: ArrayLike) -> np.ndarray:
    """Refuse scores that are not finite numbers.

    Args:
        y_score: scores, shape (n,), higher is more positive.

    Returns:
        float64 array, shape (n,).

    Raises:
        EvaluationError: E_EVAL_SCORE naming the rows (counted from 0).
    """
    try:
        scores = np.asarray(y_score, dtype=np.float64)
    except (TypeError, ValueError):
        raise EvaluationError("E_EVAL_SCORE", "scores must be numbers, got text among them") from None
    if scores.ndim != 1:
        raise EvaluationError("E_EVAL_SCORE", f"scores must be one column, got shape {scores.shape}")
    bad = np.flatnonzero(~np.isfinite(scores))
    if bad.size:
        rows = ", ".join(map(str, bad[:SHOWN_ROWS]))
        raise EvaluationError("E_EVAL_SCORE", f"scores must be finite, got {bad.size} that are not (rows {rows})")
    return scores + 0.0  # -0.0 becomes 0.0: one value, one rank


def check_probabilities(y_score: ArrayLike) -> np.ndarray:
    """Refuse scores outside [0, 1].

    Raises:
        EvaluationError: E_EVAL_SCORE or E_EVAL_RANGE, with the smallest and the largest value.
    """
    scores = check_scores(y_score)
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        spread = f"{scores.min():.4g} to {scores.max():.4g}"
        raise EvaluationError("E_EVAL_RANGE", f"probabilities must lie in [0, 1], got {spread}")
    return scores


def check_binary(y_true: ArrayLike, y_score: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Check labels and scores and put the rows into canonical order (by score, then label).

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: finite scores, shape (n,), higher is more positive.

    Returns:
        Boolean labels (n,) and float64 scores (n,), ascending in score.

    Raises:
        EvaluationError: E_EVAL_LENGTH, E_EVAL_LABEL, E_EVAL_SCORE or E_EVAL_EMPTY.

    Example:
        >>> check_binary([1, 0], [0.9, 0.2])
        (array([False,  True]), array([0.2, 0.9]))
    """
    labels, scores = check_labels(y_true), check_scores(y_score)
    check_lengths(labels=labels, scores=scores)
    if not labels.size:
        raise EvaluationError("E_EVAL_EMPTY", "at least one case is needed, got 0")
    order = np.lexsort((labels, scores))
    return labels[order], scores[order]


def missing_class(labels: np.ndarray) -> str:
    """Say which class is missing; empty when both are there.

    Example:
        >>> missing_class(np.array([True, True]))
        'one class only: no negative case among 2'
    """
    if not labels.any():
        return f"one class only: no positive case among {labels.size}"
    return "" if not labels.all() else f"one class only: no negative case among {labels.size}"


def check_two_classes(labels: np.ndarray) -> None:
    """Refuse a single class where something must be chosen or fitted.

    Raises:
        EvaluationError: E_EVAL_ONE_CLASS.
    """
    if told := missing_class(labels):
        raise EvaluationError("E_EVAL_ONE_CLASS", told)


def check_unique(scans: Sequence[str] | np.ndarray) -> None:
    """Refuse a scan that stands twice.

    Raises:
        EvaluationError: E_EVAL_DUPLICATE with the number of rows too many (never their names).
    """
    doubled = len(scans) - len(set(map(str, scans)))
    if doubled:
        raise EvaluationError("E_EVAL_DUPLICATE", f"each scan must stand once, got {doubled} row(s) too many")


def check_share(name: str, value: float, *, ends: bool = False) -> float:
    """Refuse a share outside (0, 1), or outside [0, 1] when the ends are allowed.

    Raises:
        EvaluationError: E_EVAL_VALUE.
    """
    if not (0 <= value <= 1 if ends else 0 < value < 1):
        raise EvaluationError("E_EVAL_VALUE", f"{name} must lie between 0 and 1, got {value:g}")
    return float(value)
