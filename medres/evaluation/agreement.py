"""Two raters on the same cases -> Cohen's kappa, plain, linear or quadratic, with its interval.

Knows no truth: agreement says nothing of who is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_lengths
from medres.evaluation.intervals import clipped, wald

WEIGHTS = ("plain", "linear", "quadratic")


def tabulate(first: Sequence[str], second: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Cross two raters' answers.

    Args:
        first: answers of one rater, shape (n,).
        second: answers of the other, shape (n,).
        names: the categories in their order (it matters for weighted kappa).

    Returns:
        Counts, shape (categories, categories); rows are the first rater.

    Raises:
        EvaluationError: E_EVAL_LENGTH, E_EVAL_LABEL for an answer that is no category.

    Example:
        >>> tabulate(["a", "b"], ["a", "a"], ["a", "b"])
        array([[1, 0],
               [1, 0]])
    """
    check_lengths(first=first, second=second)
    place = {name: index for index, name in enumerate(names)}
    strange = sum(answer not in place for answer in (*first, *second))
    if strange:
        raise EvaluationError("E_EVAL_LABEL", f"answers must be one of {len(names)} categories, got {strange} others")
    table = np.zeros((len(names), len(names)), np.int64)
    np.add.at(table, ([place[a] for a in first], [place[b] for b in second]), 1)
    return table


def kappa(table: ArrayLike, weights: str = "plain", *, level: float = LEVEL, unit: str = "scan") -> Estimate:
    """Cohen's kappa of a square table. 1 is full agreement, 0 what chance would give.

    Args:
        table: counts, shape (k, k), categories in their order.
        weights: `plain`; `linear`, disagreement |i - j|; `quadratic`, (i - j)^2.
        level: confidence level.
        unit: what a case is.

    Returns:
        Kappa with Wald's interval on the large-sample standard error; None where all answers are one category.

    Source: Cohen 1960, 1968; Fleiss, Cohen and Everitt, Psychol Bull 1969 (standard error).

    Example:
        >>> round(kappa([[20, 5, 1], [4, 15, 6], [0, 3, 26]], "quadratic").value, 6)
        0.80238
    """
    counts = np.asarray(table, float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.shape[0] < 2 or (counts < 0).any():
        raise EvaluationError("E_EVAL_VALUE", f"a table of agreement must be square with counts, got {counts.shape}")
    if weights not in WEIGHTS:
        raise EvaluationError("E_EVAL_VALUE", f"weights must be one of {', '.join(WEIGHTS)}, got {weights[:20]!r}")
    n = counts.sum()
    about: dict[str, Any] = {"n": int(n), "unit": unit, "level": level, "method": f"{weights} kappa, wald"}
    if not n:
        return undefined("no case", **about)
    p = counts / n
    agreement = _agreement_weights(counts.shape[0], weights)
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    observed, chance = float(np.sum(agreement * p)), float(np.sum(agreement * expected))
    if np.isclose(chance, 1):
        return undefined("all answers are one category", **about)
    value = (observed - chance) / (1 - chance)
    se = _standard_error(p, agreement, observed, chance, n)
    return Estimate(value, *clipped(wald(value, se, level), -1.0, 1.0), **about)


def _agreement_weights(k: int, weights: str) -> np.ndarray:
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    return {"plain": np.eye(k), "linear": 1 - distance, "quadratic": 1 - distance**2}[weights]


def _standard_error(p: np.ndarray, agreement: np.ndarray, observed: float, chance: float, n: float) -> float:
    """Fleiss, Cohen and Everitt 1969, equation 12."""
    rows, columns = agreement @ p.sum(axis=0), p.sum(axis=1) @ agreement
    inner = agreement * (1 - chance) - (rows[:, None] + columns[None]) * (1 - observed)
    spread = float(np.sum(p * inner**2)) - (observed * chance - 2 * chance + observed) ** 2
    return float(np.sqrt(max(0.0, spread) / n) / (1 - chance) ** 2)
