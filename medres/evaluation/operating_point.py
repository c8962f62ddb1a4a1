"""Validation labels and scores -> the threshold that a model is used at, with its rule and its data.

Thresholds are observed scores, never midpoints. A threshold is never chosen on test data: that is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.discrimination import cumulative_counts
from medres.evaluation.inputs import check_binary, check_share, missing_class

RULES = (
    "youden",
    "sensitivity>=X",
    "specificity>=X",
    "cost(fn=X,fp=Y)",
    "cost(fn=X,fp=Y,prevalence=P)",
)
_TARGET = re.compile(r"^(sensitivity|specificity)\s*>=\s*([0-9.eE+-]+)$")
_COST = re.compile(r"^cost\((.*)\)$")
TEST_NAMES = frozenset({"test", "holdout", "held-out", "external"})


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold with the rule and the data that it was chosen by.

    Attributes:
        threshold: an observed score; `score >= threshold` is positive.
        rule: the rule as it was asked for, such as `sensitivity>=0.95`.
        chosen_on: digest of the data that it was chosen on.
        sensitivity: on that data, in [0, 1].
        specificity: on that data, in [0, 1].
        n: cases of that data.
        n_positive: positive cases among them.
    """

    threshold: float
    rule: str
    chosen_on: str
    sensitivity: float
    specificity: float
    n: int
    n_positive: int


@dataclass(frozen=True, eq=False)
class AttainablePoints:
    """Every point that an observed score attains, thresholds falling.

    Attributes:
        threshold: distinct scores, shape (k,).
        sensitivity: shape (k,), rising.
        specificity: shape (k,), falling.
        n: cases.
        n_positive: positive cases.
    """

    threshold: np.ndarray
    sensitivity: np.ndarray
    specificity: np.ndarray
    n: int
    n_positive: int


def choose(
    y_true: ArrayLike,
    y_score: ArrayLike,
    rule: str = "youden",
    *,
    chosen_on: str = "",
    part: str = "validation",
    shared_patients: int = 0,
) -> ChosenThreshold:
    """Choose an operating point on validation data.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,), on the scale that the model will give.
        rule: `youden` (sensitivity + specificity, highest), `sensitivity>=x` (the highest threshold that reaches it),
            `specificity>=x` (the highest sensitivity that reaches it), `cost(fn=a,fp=b)` (lowest mean cost, optionally
            at a stated `prevalence=p`). Ties go to the lowest threshold, that is to sensitivity.
        chosen_on: digest of the data, kept with the threshold.
        part: what the data are; a test set is refused.
        shared_patients: patients that the data share with the test set; any is refused.

    Returns:
        The threshold, an observed score, with what it reaches on these data.

    Raises:
        EvaluationError: E_EVAL_TEST_THRESHOLD, E_EVAL_ONE_CLASS, or E_EVAL_VALUE for a rule that is unknown or that
            no observed score can follow.

    Source: thresholds as in pROC's `coords`, but observed scores; Youden, Cancer 1950.

    Example:
        >>> choose([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9], "sensitivity>=0.95").threshold
        0.4
    """
    refuse_test_data(part, shared_patients)
    points = attainable_points(y_true, y_score)
    best = _read_rule(rule)(points)
    return ChosenThreshold(
        float(points.threshold[best]),
        rule,
        chosen_on,
        float(points.sensitivity[best]),
        float(points.specificity[best]),
        points.n,
        points.n_positive,
    )


def refuse_test_data(part: str, shared_patients: int = 0) -> None:
    """Refuse to choose anything on test data.

    Raises:
        EvaluationError: E_EVAL_TEST_THRESHOLD.
    """
    if part.strip().lower() in TEST_NAMES:
        raise EvaluationError("E_EVAL_TEST_THRESHOLD", "thresholds must be chosen on validation data, got a test set")
    if shared_patients:
        told = f"validation and test must not share patients, got {shared_patients} in both"
        raise EvaluationError("E_EVAL_TEST_THRESHOLD", told)


def attainable_points(y_true: ArrayLike, y_score: ArrayLike) -> AttainablePoints:
    """List what each observed score would reach as a threshold.

    Raises:
        EvaluationError: E_EVAL_ONE_CLASS and the refusals of `check_binary`.

    Example:
        >>> attainable_points([0, 1], [0.2, 0.8]).specificity
        array([1., 0.])
    """
    labels, scores = check_binary(y_true, y_score)
    if told := missing_class(labels):
        raise EvaluationError("E_EVAL_ONE_CLASS", f"thresholds must be chosen on both classes, got {told}")
    distinct, tp, fp = cumulative_counts(labels, scores)
    p, q = int(labels.sum()), int((~labels).sum())
    return AttainablePoints(distinct, tp / p, (q - fp) / q, labels.size, p)


def _read_rule(rule: str) -> Callable[[AttainablePoints], int]:
    """Turn a rule's text into the function that picks a point."""
    if rule == "youden":
        return lambda points: _last_best(points.sensitivity + points.specificity)
    if found := _TARGET.match(rule):
        kind, target = (
            found.group(1),
            check_share(f"the target of {found.group(1)}", _number(found.group(2)), ends=True),
        )
        return (
            (lambda points: _reach_sensitivity(points, target))
            if kind == "sensitivity"
            else (lambda points: _reach_specificity(points, target))
        )
    if found := _COST.match(rule):
        costs = _read_costs(found.group(1).split(","))
        return lambda points: _last_best(-_mean_cost(points, **costs))
    raise EvaluationError("E_EVAL_VALUE", f"a rule must be one of {', '.join(RULES)}, got {rule[:40]!r}")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EvaluationError("E_EVAL_VALUE", f"a rule needs a number, got {text[:20]!r}")
    return value


def _read_costs(parts: Iterable[str]) -> dict[str, float]:
    """Read `fn=10`, `fp=1` and perhaps `prevalence=0.05`."""
    named = {name.strip(): _number(value) for name, _, value in (part.partition("=") for part in parts)}
    if not {"fn", "fp"} <= set(named) <= {"fn", "fp", "prevalence"} or min(named["fn"], named["fp"]) < 0:
        told = (
            f"a cost rule needs fn= and fp=, at least 0, and may have prevalence=, got {', '.join(sorted(named))[:60]}"
        )
        raise EvaluationError("E_EVAL_VALUE", told)
    if "prevalence" in named:
        check_share("prevalence", named["prevalence"])
    return named


def _last_best(values: np.ndarray) -> int:
    """Index of the highest value; among equals the last, which is the lowest threshold."""
    rounded = np.round(values, 12)  # sums of shares: equal points may differ in the last bit
    return int(np.flatnonzero(rounded == rounded.max())[-1])


def _reach_sensitivity(points: AttainablePoints, target: float) -> int:
    return int(np.argmax(points.sensitivity >= target))


def _reach_specificity(points: AttainablePoints, target: float) -> int:
    reached = np.flatnonzero(points.specificity >= target)
    if not reached.size:
        told = (
            f"specificity >= {target:g} must be reached by an observed score, got at most {points.specificity[0]:.4f}"
        )
        raise EvaluationError("E_EVAL_VALUE", told, "ask for less, or add negative validation cases")
    best = points.sensitivity[reached].max()
    return int(reached[points.sensitivity[reached] == best][-1])


def _mean_cost(points: AttainablePoints, fn: float, fp: float, prevalence: float | None = None) -> np.ndarray:
    share = points.n_positive / points.n if prevalence is None else prevalence
    return share * (1 - points.sensitivity) * fn + (1 - share) * (1 - points.specificity) * fp
