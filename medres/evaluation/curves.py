"""Labels and scores -> the numbers that need resampling: AUPRC, attainable points, partial area, bands of curves.

One pass over the resamples gives them all. Knows no threshold but those it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.evaluation import replicates
from medres.evaluation.estimate import Estimate, finite, undefined
from medres.evaluation.inputs import missing_class
from medres.evaluation.intervals import percentile
from medres.evaluation.resampling import RankedCases, Resampling, Weights, rank_cases, resample

SPECIFICITIES = SENSITIVITIES = (0.80, 0.90, 0.95)
NEAR_CHANCE = 1e-9  # a constant score lies on the diagonal, but for rounding
BELOW_CHANCE = "the partial area lies below the diagonal, where the rescaling ends at once and means nothing"
PARTIAL_FROM = 0.9  # the partial area runs from this specificity to 1
USUAL = Resampling()
BAND_GRID = np.linspace(0, 1, 101)

Statistic = Callable[[replicates.Curves], np.ndarray]


def measure_by_resampling(
    y_true: ArrayLike,
    y_score: ArrayLike,
    plan: Resampling = USUAL,
    *,
    threshold: float | None = None,
    weights: Weights | None = None,
    drawn: Mapping[str, np.ndarray] | None = None,
    unit: str = "scan",
) -> dict[str, Estimate]:
    """AUROC, AUPRC, partial area and attainable points with bootstrap intervals.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        plan: how the bootstrap is drawn.
        threshold: also give sensitivity and specificity there.
        weights: resamples drawn elsewhere, as `from_rows` gives them; None draws them.
        drawn: what `run` gave for `point_statistics`, where that was done already.
        unit: what a case is.

    Returns:
        `auroc_bootstrap`, `auprc`, `partial_auc`, `partial_auc_mcclish`, `sensitivity_at_specificity_0.90` and its
        like, and with a threshold `sensitivity_bootstrap` and `specificity_bootstrap`. One class: all None.

    Source: Efron and Tibshirani 1993; McClish, Med Decis Making 1989 (partial area).

    Example:
        >>> found = measure_by_resampling([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], Resampling(50))
        >>> round(found["auprc"].value, 4)
        0.8333
    """
    cases = rank_cases(y_true, y_score)
    about: dict[str, Any] = {"method": plan.method, "n": cases.labels.size, "n_positive": int(cases.labels.sum())}
    about |= {"unit": unit, "level": plan.level}
    wanted = point_statistics(threshold)
    if told := missing_class(cases.labels):
        return {name: undefined(told, **about) for name in (*wanted, "partial_auc_mcclish")}
    once = replicates.build_curves(cases, np.ones((1, cases.labels.size), np.int32))
    if drawn is None:
        drawn = run(cases, resample(cases, plan) if weights is None else weights, wanted)
    found = {name: drawn[name] for name in wanted if name in drawn}
    values = {name: statistic(once) for name, statistic in wanted.items()}
    for sets in (values, found):
        if "partial_auc" in sets:
            sets["partial_auc_mcclish"] = mcclish(sets["partial_auc"], PARTIAL_FROM)
    estimates = {
        name: _estimate(float(value[0]), found.get(name, np.empty(0)), about) for name, value in values.items()
    }
    if float(values["partial_auc_mcclish"][0]) < 0.5 - NEAR_CHANCE:
        estimates["partial_auc_mcclish"] = undefined(BELOW_CHANCE, **about)
    return estimates


def run(cases: RankedCases, weights: Weights, wanted: dict[str, Statistic]) -> dict[str, np.ndarray]:
    """Run statistics of curves over resamples, building the curves of a block once.

    Returns:
        By name, shape (resamples,) or (resamples, m); empty where there are no resamples.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    for block in weights:
        curves = replicates.build_curves(cases, block)
        for name, statistic in wanted.items():
            parts[name].append(statistic(curves))
    return {name: np.concatenate(found) for name, found in parts.items() if found}


def point_statistics(threshold: float | None) -> dict[str, Statistic]:
    """List the statistics of `measure_by_resampling`, for a pass that also collects others.

    Args:
        threshold: also sensitivity and specificity there.
    """
    wanted: dict[str, Statistic] = {
        "auroc_bootstrap": replicates.auroc,
        "auprc": replicates.average_precision,
        "partial_auc": lambda curves: replicates.partial_area(curves, PARTIAL_FROM),
    }
    for target in SPECIFICITIES:
        wanted[f"sensitivity_at_specificity_{target:.2f}"] = _fixed(replicates.best_sensitivity, target)
    for target in SENSITIVITIES:
        wanted[f"specificity_at_sensitivity_{target:.2f}"] = _fixed(replicates.best_specificity, target)
    if threshold is not None:
        wanted["sensitivity_bootstrap"] = lambda curves: replicates.rates_at(curves, threshold)[0]
        wanted["specificity_bootstrap"] = lambda curves: replicates.rates_at(curves, threshold)[1]
    return wanted


def _fixed(statistic: Callable[[replicates.Curves, float], np.ndarray], target: float) -> Statistic:
    return lambda curves: statistic(curves, target)


def mcclish(area: np.ndarray, low: float) -> np.ndarray:
    """Rescale a partial area so that chance is 0.5 and perfect is 1.

    Source: McClish, Med Decis Making 1989.

    Example:
        >>> float(mcclish(np.array([0.1]), 0.9)[0])
        1.0
    """
    width = 1 - low
    least = width**2 / 2
    return (1 + (area - least) / (width - least)) / 2


def _estimate(value: float, found: np.ndarray, about: dict[str, Any]) -> Estimate:
    if finite(value) is None:
        return undefined("not attainable", **about)
    lower, upper = percentile(found, about["level"]) if found.size else (None, None)
    note = "" if lower is not None or not found.size else "too many resamples left it undefined: no interval"
    return Estimate(value, lower, upper, note=note, **about)


BAND_STATISTICS: dict[str, Statistic] = {
    "roc_band": lambda curves: replicates.sensitivity_at(curves, BAND_GRID),
    "pr_band": lambda curves: replicates.precision_at(curves, BAND_GRID),
}


def draw_bands(
    y_true: ArrayLike,
    y_score: ArrayLike,
    plan: Resampling = USUAL,
    drawn: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Pointwise bands of the ROC and the precision-recall curve, for plots.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        plan: how the bootstrap is drawn.
        drawn: what `run` gave for `BAND_STATISTICS`, where that was done already.

    Returns:
        `grid` (101,), and `roc_lower`, `roc_upper`, `pr_lower`, `pr_upper`, each (101,); empty for one class.
    """
    cases = rank_cases(y_true, y_score)
    if missing_class(cases.labels) or not plan.resamples:
        return {}
    found = run(cases, resample(cases, plan), BAND_STATISTICS) if drawn is None else drawn
    bands = {"grid": BAND_GRID}
    for name in ("roc", "pr"):
        lower, upper = np.nanquantile(found[f"{name}_band"], [(1 - plan.level) / 2, (1 + plan.level) / 2], axis=0)
        bands |= {f"{name}_lower": lower, f"{name}_upper": upper}
    return bands
