"""Validation scores -> a band in which the model does not answer; test scores -> what that silence buys.

The band lies around the operating point, chosen on validation data alone (conformal, or by the error wanted).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.confusion import count_decisions, rates
from medres.evaluation.estimate import LEVEL, Estimate
from medres.evaluation.inputs import check_binary, check_share, check_two_classes
from medres.evaluation.intervals import proportion
from medres.evaluation.operating_point import refuse_test_data

RULES = ("conformal:A", "error<=E")
_RULE = re.compile(r"^(conformal:|error<=)([0-9.eE+-]+)$")


@dataclass(frozen=True)
class Band:
    """Scores for which no decision is given: lower <= score < upper.

    Attributes:
        lower: first score that is indeterminate.
        upper: first score above the band: positive from here.
        rule: as asked for.
        chosen_on: digest of the validation data.
        coverage: share of validation cases that are still answered.
        error: share of wrong decisions among them; None when none is answered.
        n: validation cases.
    """

    lower: float
    upper: float
    rule: str
    chosen_on: str
    coverage: float
    error: float | None
    n: int


def choose_band(
    y_true: ArrayLike,
    y_score: ArrayLike,
    threshold: float,
    rule: str = "conformal:0.05",
    *,
    chosen_on: str = "",
    part: str = "validation",
) -> Band:
    """Choose the indeterminate band around an operating point, on validation data.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        threshold: the operating point; the band always lies around it.
        rule: `conformal:0.05`: at most 5 % of positives fall below the band and at most 5 % of negatives above it,
            by split-conformal ranks (class by class); `error<=0.05`: the fewest cases left out, nearest in rank to
            the threshold, so that at most 5 % of the answered ones are wrong.
        chosen_on: digest of the data.
        part: what the data are; a test set is refused.

    Returns:
        The band; lower == upper == threshold when nothing need be left out.

    Raises:
        EvaluationError: E_EVAL_TEST_THRESHOLD, E_EVAL_ONE_CLASS, E_EVAL_VALUE.

    Source: Vovk 2012 (Mondrian conformal prediction); El-Yaniv and Wiener, JMLR 2010 (selective classification).

    Example:
        >>> band = choose_band([0] * 20 + [1] * 20, list(range(40)), 20, "conformal:0.1")
        >>> band.lower, band.upper
        (20.0, 20.0)
    """
    refuse_test_data(part)
    labels, scores = check_binary(y_true, y_score)
    check_two_classes(labels)
    kind, wanted = parse_band_rule(rule)
    make = _conformal if kind == "conformal:" else _by_error
    lower, upper = make(labels, scores, float(threshold), wanted)
    answered = (scores < lower) | (scores >= upper)
    wrong = int(np.sum((scores >= threshold)[answered] != labels[answered]))
    share = float(answered.mean())
    error = wrong / int(answered.sum()) if answered.any() else None
    return Band(float(lower), float(upper), rule, chosen_on, share, error, labels.size)


def parse_band_rule(rule: str) -> tuple[str, float]:
    """Take a band's rule apart, so that a wrong one is refused before anything is trained.

    Args:
        rule: such as `conformal:0.05` or `error<=0.05`.

    Returns:
        (`conformal:` or `error<=`, share in [0, 1]).

    Raises:
        EvaluationError: E_EVAL_VALUE.

    Example:
        >>> parse_band_rule("error<=0.05")
        ('error<=', 0.05)
    """
    found = _RULE.match(rule)
    try:
        share = float(found.group(2)) if found else None
    except ValueError:
        share = None
    if found is None or share is None:
        raise EvaluationError("E_EVAL_VALUE", f"the band's rule must be one of {', '.join(RULES)}, got {rule[:30]!r}")
    return found.group(1), check_share("the rule's share", share)


def _conformal(labels: np.ndarray, scores: np.ndarray, threshold: float, alpha: float) -> tuple[float, float]:
    """Class by class: the rank floor(alpha (n + 1)) of positives from below and of negatives from above."""
    positive, negative = scores[labels], scores[~labels]
    below, above = int(alpha * (positive.size + 1)), int(alpha * (negative.size + 1))
    lower = positive[below - 1] if below else -np.inf
    upper = np.nextafter(negative[-above], np.inf) if above else np.inf
    if lower == -np.inf:
        lower = scores[0]
    if upper == np.inf:
        upper = np.nextafter(scores[-1], np.inf)
    return min(float(lower), threshold), max(float(upper), threshold)


def _by_error(labels: np.ndarray, scores: np.ndarray, threshold: float, error: float) -> tuple[float, float]:
    """Widen the band rank by rank around the threshold until the answered cases err rarely enough."""
    place = int(np.searchsorted(scores, threshold, side="left"))
    wrong = (scores >= threshold) != labels
    for reach in range(labels.size + 1):
        low, high = max(0, place - reach), min(labels.size, place + reach)
        lower = min(scores[low], threshold) if low < labels.size else threshold
        upper = max(scores[high], threshold) if high < labels.size else np.nextafter(max(scores[-1], threshold), np.inf)
        if not reach:
            lower = upper = threshold
        answered = (scores < lower) | (scores >= upper)
        if not answered.any() or wrong[answered].mean() <= error:
            break
    return float(lower), float(upper)


def measure_band(
    y_true: ArrayLike,
    y_score: ArrayLike,
    threshold: float,
    band: tuple[float, float],
    *,
    level: float = LEVEL,
    unit: str = "scan",
) -> dict[str, Estimate]:
    """What the band does on test data.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        threshold: the operating point.
        band: (lower, upper), chosen on validation data.
        level: confidence level.
        unit: what a case is.

    Returns:
        `answered` (coverage), `error_answered`, `error_all`, `sensitivity_answered` and `specificity_answered`;
        `positives_answered` and `negatives_answered`, the coverage of each class. All with Wilson's interval.
    """
    labels, scores = check_binary(y_true, y_score)
    answered = (scores < band[0]) | (scores >= band[1])
    called = scores >= threshold
    inside = count_decisions(labels[answered], called[answered])
    wrong, kept = called != labels, rates(inside, level=level, unit=unit)
    return {
        "answered": proportion(int(answered.sum()), labels.size, level=level, unit=unit),
        "positives_answered": proportion(int(answered[labels].sum()), int(labels.sum()), level=level, unit=unit),
        "negatives_answered": proportion(int(answered[~labels].sum()), int((~labels).sum()), level=level, unit=unit),
        "error_answered": proportion(int(wrong[answered].sum()), int(answered.sum()), level=level, unit=unit),
        "error_all": proportion(int(wrong.sum()), labels.size, level=level, unit=unit),
        "sensitivity_answered": kept["sensitivity"],
        "specificity_answered": kept["specificity"],
    }


def risk_coverage(y_true: ArrayLike, y_score: ArrayLike, threshold: float) -> dict[str, np.ndarray]:
    """Error among the answered cases as those nearest to the threshold (in score) are left out first.

    Returns:
        `coverage` rising to 1 and `error`, each (k,); cases at one distance are left out together.

    Source: El-Yaniv and Wiener, JMLR 2010; Geifman and El-Yaniv, NeurIPS 2017.

    Example:
        >>> risk_coverage([0, 1, 0], [0.1, 0.9, 0.6], 0.5)["error"].round(3)
        array([0.   , 0.333])
    """
    labels, scores = check_binary(y_true, y_score)
    wrong, distance = (scores >= threshold) != labels, np.abs(scores - threshold).round(12)
    order = np.argsort(-distance, kind="stable")
    last = np.flatnonzero(np.append(np.diff(-distance[order]) != 0, True))
    kept = last + 1
    return {"coverage": kept / labels.size, "error": np.cumsum(wrong[order])[last] / kept}


def measure_gate(in_scope: ArrayLike, accepted: ArrayLike, level: float = LEVEL) -> dict[str, Estimate]:
    """How well the out-of-scope gate keeps out what does not belong and lets in what does.

    Args:
        in_scope: whether each scan truly belongs, shape (n,).
        accepted: whether the gate let it through, shape (n,).
        level: confidence level.

    Returns:
        `accepted_in_scope` (higher is better) and `accepted_out_of_scope` (lower is better), Wilson.

    Example:
        >>> measure_gate([True, False], [True, False])["accepted_out_of_scope"].value
        0.0
    """
    belongs, passed = np.asarray(in_scope, bool), np.asarray(accepted, bool)
    return {
        "accepted_in_scope": proportion(int(passed[belongs].sum()), int(belongs.sum()), level=level),
        "accepted_out_of_scope": proportion(int(passed[~belongs].sum()), int((~belongs).sum()), level=level),
    }


def measure_refusals(
    classes: ArrayLike, refused: ArrayLike, *, level: float = LEVEL, unit: str = "scan"
) -> dict[str, Estimate]:
    """How often the gate calls test scans out of scope, together and by true class.

    Every scan is taken to belong: a test set is drawn from the patients that the model is meant for. Each refusal
    then costs an answer, and a gate that refuses one class more than another changes what the rest shows.

    Args:
        classes: name of each judged scan's true class, shape (n,).
        refused: whether the gate called it out of scope, shape (n,).
        level: confidence level.
        unit: what a case is.

    Returns:
        `accepted_in_scope` (as `measure_gate`), `out_of_scope`, and `out_of_scope where CLASS`, all with Wilson's
        interval.

    Example:
        >>> found = measure_refusals(["benign", "malignant"], [False, True])
        >>> {name: one.value for name, one in found.items() if name != "accepted_in_scope"}
        {'out_of_scope': 0.5, 'out_of_scope where benign': 0.0, 'out_of_scope where malignant': 1.0}
    """
    names, out = np.asarray(classes, str), np.asarray(refused, bool)
    groups = {"out_of_scope": np.ones(out.size, bool)} | {
        f"out_of_scope where {name}": names == name for name in np.unique(names).tolist()
    }
    found = {"accepted_in_scope": measure_gate(np.ones(out.size, bool), ~out, level)["accepted_in_scope"]}
    return {name: replace(one, unit=unit) for name, one in found.items()} | {
        name: proportion(int(out[inside].sum()), int(inside.sum()), level=level, unit=unit)
        for name, inside in groups.items()
    }
