"""Labels and probabilities -> how far the probabilities are true: intercept, slope, O:E, Brier.

Probabilities, never logits, never inferred. "Intercept" alone is ambiguous, so both are named: `citl` (slope fixed
at 1) and `intercept_joint` (fitted with the slope). Calibrators live in `calibrators`, fitted on validation data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from medres.evaluation.calibrators import CLIP, fit_temperature
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_binary, check_probabilities, missing_class
from medres.evaluation.intervals import clipped, wald
from medres.evaluation.logistic import fit_logistic

__all__ = ["fit_temperature", "mean_with_interval", "measure_calibration", "measure_scores"]


def measure_calibration(
    y_true: ArrayLike, y_score: ArrayLike, *, level: float = LEVEL, unit: str = "scan"
) -> dict[str, Estimate]:
    """Calibration in the large, slope, joint intercept and O:E.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: probabilities of the positive class, shape (n,), in [0, 1].
        level: confidence level.
        unit: what a case is.

    Returns:
        `citl` (0 is perfect), `slope` (1), `intercept_joint` (0) with Wald intervals, `oe_ratio` (1) with Wald's
        interval on the log scale. None with a reason for one class, or where the classes are separable.

    Raises:
        EvaluationError: E_EVAL_RANGE for scores outside [0, 1].

    Source: Cox 1958; Van Calster et al., J Clin Epidemiol 2016; equal to R's `glm` with an offset and `rms::val.prob`.

    Example:
        >>> found = measure_calibration([0, 1, 0, 1], [0.2, 0.7, 0.6, 0.4])
        >>> round(found["oe_ratio"].value, 4)
        1.0526
    """
    check_probabilities(y_score)
    labels, p = check_binary(y_true, y_score)
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit, "level": level}
    if told := missing_class(labels):
        return {
            name: undefined(told, method="wald", **about) for name in ("citl", "slope", "intercept_joint", "oe_ratio")
        }
    logit = special.logit(np.clip(p, CLIP, 1 - CLIP))
    large = fit_logistic(np.ones((p.size, 1)), labels, offset=logit)
    joint = fit_logistic(np.column_stack((np.ones(p.size), logit)), labels)
    return {
        "citl": _coefficient(large.coefficients[0], large.standard_errors[0], about),
        "slope": _coefficient(joint.coefficients[1], joint.standard_errors[1], about),
        "intercept_joint": _coefficient(joint.coefficients[0], joint.standard_errors[0], about),
        "oe_ratio": _observed_to_expected(labels, p, about),
    }


def _coefficient(value: float, se: float, about: dict[str, Any]) -> Estimate:
    if not np.isfinite(se):
        return undefined(
            "the fit has no finite solution (separable classes or a constant score)", method="wald", **about
        )
    return Estimate(float(value), *wald(float(value), float(se), about["level"]), "wald", **about)


def _observed_to_expected(labels: np.ndarray, p: np.ndarray, about: dict[str, Any]) -> Estimate:
    """Observed over expected events; variance of log(O) as binomial, E taken as known (Debray et al., BMJ 2017)."""
    expected, observed = float(p.mean()), float(labels.mean())
    if expected <= 0:
        return undefined("every probability is 0", method="wald on log", **about)
    ratio = observed / expected
    lower, upper = wald(float(np.log(ratio)), float(np.sqrt((1 - observed) / labels.sum())), about["level"])
    return Estimate(ratio, float(np.exp(lower)), float(np.exp(upper)), "wald on log", **about)


def measure_scores(
    y_true: ArrayLike, y_score: ArrayLike, *, level: float = LEVEL, unit: str = "scan"
) -> dict[str, Estimate]:
    """Brier score, scaled Brier score, log loss and Spiegelhalter's z.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: probabilities of the positive class, shape (n,), in [0, 1].
        level: confidence level.
        unit: what a case is.

    Returns:
        `brier` and `log_loss` (lower is better) with Wald's interval of a mean, `brier_scaled` (1 is perfect, 0 is no
        better than the prevalence), `spiegelhalter_z`. One class leaves the scaled Brier score and z None.

    Source: Brier 1950; Steyerberg et al., Epidemiology 2010; Spiegelhalter, Stat Med 1986.

    Example:
        >>> round(measure_scores([0, 1], [0.2, 0.8])["brier"].value, 4)
        0.04
    """
    check_probabilities(y_score)
    labels, p = check_binary(y_true, y_score)
    about: dict[str, Any] = {"n": labels.size, "n_positive": int(labels.sum()), "unit": unit, "level": level}
    squares = (labels - p) ** 2
    kept = np.clip(p, CLIP, 1 - CLIP)
    losses = -np.where(labels, np.log(kept), np.log1p(-kept))
    reference = labels.mean() * (1 - labels.mean())
    scale = np.sqrt(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    z = float(np.sum((labels - p) * (1 - 2 * p)) / scale) if scale > 0 else None
    none = "every probability is 0, 1 or one half"
    told = missing_class(labels)
    return {
        "brier": mean_with_interval(squares, about, 1.0),
        "brier_scaled": undefined(told, **about)
        if told
        else Estimate(1 - float(squares.mean() / reference), method="none", **about),
        "log_loss": mean_with_interval(losses, about),
        "spiegelhalter_z": undefined(none, **about)
        if z is None
        else Estimate(z, method="none", note=f"p = {2 * float(stats.norm.sf(abs(z))):.4g}", **about),
    }


def mean_with_interval(values: np.ndarray, about: dict[str, Any], most: float = np.inf) -> Estimate:
    """Estimate a mean of losses with Wald's interval, cut to what can be.

    Args:
        values: loss of each case, at least 0, shape (n,).
        about: n, unit and level of the estimate.
        most: largest loss that a case can have.
    """
    mean = float(values.mean())
    if values.size < 2:
        return Estimate(mean, method="wald", note="one case: no interval", **about)
    lower, upper = wald(mean, float(values.std(ddof=1) / np.sqrt(values.size)), about["level"])
    return Estimate(mean, *clipped((lower, upper), 0.0, most), "wald", **about)
