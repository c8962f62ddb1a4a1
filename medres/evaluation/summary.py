"""Cases -> Evaluation: every number of `design` for one score, in one frozen value.

Ties the room's parts together and computes nothing itself. Where patients have several scans the headline is
Obuchowski's, intervals that take scans as independent say so, and a patient level stands beside the scan level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medres.errors import EvaluationError
from medres.evaluation import abstention, multiclass
from medres.evaluation.binning import ReliabilityBin, expected_error, loess_error, reliability, smooth_observed
from medres.evaluation.calibration import measure_calibration, measure_scores
from medres.evaluation.cases import Cases, Threshold
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.confusion import Confusion, agreement_scores, count, likelihood_ratios, rates
from medres.evaluation.curves import BAND_STATISTICS, draw_bands, measure_by_resampling, point_statistics, run
from medres.evaluation.decision_tables import score_two_classes, tables_at, with_percentiles
from medres.evaluation.discrimination import auroc, roc_curve
from medres.evaluation.estimate import Estimate, undefined
from medres.evaluation.inputs import missing_class
from medres.evaluation.patient_level import RULES, pool_by_patient
from medres.evaluation.prevalence import STATED, adjust
from medres.evaluation.resampling import Resampling, rank_cases, resample
from medres.evaluation.subgroups import Subgroup, measure_subgroups
from medres.evaluation.utility import DecisionPoint, decision_curve, net_statistic

NOT_PROBABILITIES = "scores were declared to be no probabilities"
AS_INDEPENDENT = ", scans taken as independent"
_FIRST_NAMES = ("auroc_bootstrap", "auprc", "partial_auc", "partial_auc_mcclish")  # their order in every table
NET, TABLES = "net_benefit", "tables"  # names of net benefit and of the four counts among the resampled statistics

Drawn = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class PointResult:
    """All numbers at one operating point.

    Attributes:
        threshold: with its rule and source.
        counts: the four counts.
        rates: sensitivity, specificity, PPV, NPV, accuracy, prevalence with Wilson's interval.
        exact: the same with Clopper-Pearson's.
        ratios: LR+, LR-, DOR.
        scores: balanced accuracy, J, F1, MCC, kappa; with bootstrap intervals at the default point.
        adjusted: PPV and NPV at stated prevalences, by prevalence.
        resampled: sensitivity and specificity with bootstrap intervals (by patient where scans are clustered).
    """

    threshold: Threshold
    counts: Confusion
    rates: dict[str, Estimate]
    exact: dict[str, Estimate]
    ratios: dict[str, Estimate]
    scores: dict[str, Estimate]
    adjusted: dict[str, dict[str, Estimate]]
    resampled: dict[str, Estimate]


@dataclass(frozen=True, eq=False)
class PatientResult:
    """Patients instead of scans, pooled by one rule.

    Attributes:
        rule: `max`, `mean` or `noisy-or`.
        auroc: logit-DeLong.
        auroc_delong: DeLong, clipped.
        rates: at the default operating point; empty without one.
        reason: why there is nothing; empty otherwise.
    """

    rule: str
    auroc: Estimate
    auroc_delong: Estimate
    rates: dict[str, Estimate]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that is known about one score on one test set.

    Attributes:
        cases: what it was computed from.
        plan: how intervals were resampled.
        discrimination: AUROC, AUPRC, partial area, attainable points, prevalence.
        points: by operating point's name.
        default: name of the operating point that the headline uses; empty without one.
        calibration: intercepts, slope, O:E, Brier, ECE, ICI; reasons where scores are no probabilities.
        bins: reliability bins by `width` and by `mass`.
        decisions: decision curve.
        subgroups: by column and value.
        patients: by rule; empty where every patient has one scan.
        classes: numbers of a model with more than two classes; empty otherwise.
        band: abstention; empty without an indeterminate band.
        curves: arrays for plots (ROC, precision-recall, bands, loess, risk against coverage).
        notes: sentences that a reader must know.
    """

    cases: Cases
    plan: Resampling
    discrimination: dict[str, Estimate]
    points: dict[str, PointResult]
    default: str
    calibration: dict[str, Estimate]
    bins: dict[str, tuple[ReliabilityBin, ...]]
    decisions: tuple[DecisionPoint, ...]
    subgroups: tuple[Subgroup, ...]
    patients: dict[str, PatientResult]
    classes: dict[str, Any]
    band: dict[str, Estimate]
    curves: dict[str, np.ndarray]
    notes: tuple[str, ...] = field(default_factory=tuple)


def summarise(
    cases: Cases,
    thresholds: Sequence[Threshold] = (),
    *,
    plan: Resampling | None = None,
    band: tuple[float, float] | None = None,
) -> Evaluation:
    """Measure everything.

    Args:
        cases: scored test cases.
        thresholds: operating points, the default one first; never chosen here.
        plan: resamples, seed, level; patients are taken from the cases.
        band: indeterminate scores (lower, upper), chosen on validation data.

    Returns:
        The evaluation; one class gives None with reasons, never a crash.

    Example:
        >>> from medres.evaluation.cases import build_cases
        >>> found = summarise(build_cases([0, 1, 0, 1], [0.2, 0.7, 0.6, 0.8]), plan=Resampling(20))
        >>> found.discrimination["auroc"].value
        1.0
    """
    plan = replace(plan or Resampling(), patients=cases.patients if cases.clustered else None)
    default = thresholds[0].value if thresholds else None
    drawn = _resample_once(cases, plan, default)
    resampled = measure_by_resampling(cases.labels, cases.scores, plan, threshold=default, drawn=drawn, unit=cases.unit)
    return Evaluation(
        cases,
        plan,
        _discrimination(cases, plan, resampled),
        {
            one.name: _at_point(cases, one, plan, *((resampled, drawn) if one is thresholds[0] else ({}, {})))
            for one in thresholds
        },
        thresholds[0].name if thresholds else "",
        _calibration(cases, plan),
        _bins(cases),
        _decisions(cases, plan, drawn),
        _subgroups(cases, default, plan),
        _patients(cases, default, plan),
        _classes(cases, plan),
        _band(cases, default, plan, band),
        _curves(cases, plan, default, drawn),
        _notes(cases, thresholds, plan),
    )


def _resample_once(cases: Cases, plan: Resampling, threshold: float | None) -> Drawn:
    """Run every statistic that needs resamples in one pass."""
    if missing_class(cases.labels):
        return {}
    wanted = point_statistics(threshold) | BAND_STATISTICS | {NET: net_statistic()}
    if threshold is not None:
        wanted[TABLES] = lambda curves: tables_at(curves, threshold)
    ranked = rank_cases(cases.labels, cases.scores)
    return run(ranked, resample(ranked, plan), wanted)


def _decisions(cases: Cases, plan: Resampling, drawn: Drawn) -> tuple[DecisionPoint, ...]:
    """Decision curve of probabilities; without a band where a class is missing."""
    if cases.scale != "probability":
        return ()
    return (
        decision_curve(cases.labels, cases.scores, plan=plan, drawn=drawn[NET])
        if NET in drawn
        else decision_curve(cases.labels, cases.scores)
    )


def _discrimination(cases: Cases, plan: Resampling, resampled: dict[str, Estimate]) -> dict[str, Estimate]:
    """Headline AUROC first; the prevalence beside the AUPRC."""
    about: dict[str, Any] = {"level": plan.level, "unit": cases.unit}
    found = {name: auroc(cases.labels, cases.scores, method=name, **about) for name in ("logit-delong", "delong")}
    if cases.clustered:
        patients = cases.patients
        wide = {
            name: auroc_clustered(cases.labels, cases.scores, patients, method=name, **about)  # type: ignore[arg-type]
            for name in ("logit-obuchowski", "obuchowski")
        }
        naive = replace(found["delong"], method=f"delong{AS_INDEPENDENT}", note="naive: do not report this interval")
        areas = {"auroc": wide["logit-obuchowski"], "auroc_plain": wide["obuchowski"], "auroc_naive": naive}
    else:
        areas = {"auroc": found["logit-delong"], "auroc_plain": found["delong"]}
    kept = {name: resampled[name] for name in _FIRST_NAMES} | {
        name: one for name, one in resampled.items() if name not in ("sensitivity_bootstrap", "specificity_bootstrap")
    }
    prevalence = rates(count(cases.labels, cases.scores, np.inf), "wilson", plan.level, cases.unit)["prevalence"]
    return areas | kept | {"prevalence": label_naive(prevalence, cases)}


def label_naive(estimate: Estimate, cases: Cases) -> Estimate:
    """Say that an interval takes the scans of a patient as independent, where they are not."""
    if not cases.clustered or estimate.lower is None or estimate.method.startswith("patient "):
        return estimate
    return replace(estimate, method=estimate.method + AS_INDEPENDENT)


def _all_labelled(estimates: Mapping[str, Estimate], cases: Cases) -> dict[str, Estimate]:
    return {name: label_naive(one, cases) for name, one in estimates.items()}


def _at_point(
    cases: Cases, threshold: Threshold, plan: Resampling, resampled: dict[str, Estimate], drawn: Drawn
) -> PointResult:
    counts = count(cases.labels, cases.scores, threshold.value)
    wilson, scores = rates(counts, "wilson", plan.level, cases.unit), agreement_scores(counts, cases.unit)
    if TABLES in drawn:
        scores = with_percentiles(scores, score_two_classes(drawn[TABLES]), plan)
    adjusted = {
        f"{share:g}": _all_labelled(adjust(counts, share, level=plan.level, unit=cases.unit), cases) for share in STATED
    }
    return PointResult(
        threshold,
        counts,
        _all_labelled(wilson, cases),
        _all_labelled(rates(counts, "clopper-pearson", plan.level, cases.unit), cases),
        _all_labelled(likelihood_ratios(counts, plan.level, cases.unit), cases),
        scores,
        adjusted,
        {
            f"{name}_bootstrap": replace(
                resampled[f"{name}_bootstrap"], n=wilson[name].n, n_positive=None, x=wilson[name].x
            )
            for name in ("sensitivity", "specificity")
            if f"{name}_bootstrap" in resampled
        },
    )


def _calibration(cases: Cases, plan: Resampling) -> dict[str, Estimate]:
    names = ("citl", "slope", "intercept_joint", "oe_ratio", "brier", "ece_width", "ece_mass", "ici")
    if cases.scale != "probability":
        about: dict[str, Any] = {"n": cases.n, "n_positive": cases.n_positive, "unit": cases.unit}
        return {name: undefined(NOT_PROBABILITIES, **about) for name in names}
    labels, scores, unit = cases.labels, cases.scores, cases.unit
    found = measure_calibration(labels, scores, level=plan.level, unit=unit)
    found |= measure_scores(labels, scores, level=plan.level, unit=unit)
    for by in ("width", "mass"):
        errors = expected_error(labels, scores, by, unit=unit)
        found |= {f"ece_{by}": errors["ece"], f"mce_{by}": errors["mce"]}
    return _all_labelled(found | loess_error(labels, scores, level=plan.level, unit=unit), cases)


def _bins(cases: Cases) -> dict[str, tuple[ReliabilityBin, ...]]:
    if cases.scale != "probability":
        return {}
    return {by: reliability(cases.labels, cases.scores, by) for by in ("width", "mass")}


def _subgroups(cases: Cases, threshold: float | None, plan: Resampling) -> tuple[Subgroup, ...]:
    patients = cases.patients if cases.clustered else None
    found = measure_subgroups(
        cases.labels, cases.scores, cases.columns, threshold, patients=patients, level=plan.level, unit=cases.unit
    )
    return tuple(
        replace(
            group,
            sensitivity=group.sensitivity and label_naive(group.sensitivity, cases),
            specificity=group.specificity and label_naive(group.specificity, cases),
        )
        for group in found
    )


def _patients(cases: Cases, threshold: float | None, plan: Resampling) -> dict[str, PatientResult]:
    if not cases.clustered or cases.patients is None:
        return {}
    return {rule: _by_patient(cases, rule, threshold, plan) for rule in RULES}


def _by_patient(cases: Cases, rule: str, threshold: float | None, plan: Resampling) -> PatientResult:
    try:
        pooled = pool_by_patient(cases.labels, cases.scores, cases.patients, rule)  # type: ignore[arg-type]
    except EvaluationError:
        nothing = undefined("noisy-or needs probabilities", unit="patient", n=cases.n_patients)
        return PatientResult(rule, nothing, nothing, {}, nothing.reason)
    areas = [
        auroc(pooled.labels, pooled.scores, method=m, level=plan.level, unit="patient")
        for m in ("logit-delong", "delong")
    ]
    decided = (
        {}
        if threshold is None
        else rates(count(pooled.labels, pooled.scores, threshold), "wilson", plan.level, "patient")
    )
    return PatientResult(rule, areas[0], areas[1], decided)


def _classes(cases: Cases, plan: Resampling) -> dict[str, Any]:
    if cases.probabilities is None or len(cases.class_names) < 3:
        return {}
    checked = multiclass.check_multiclass(cases.classes, cases.probabilities, cases.class_names, cases.scale)
    decided = multiclass.measure_decisions(checked, plan, unit=cases.unit)
    each = {name: _all_labelled(one, cases) for name, one in decided.pop("per_class").items()}
    return {
        "names": list(cases.class_names),
        "one_vs_rest": multiclass.one_vs_rest(checked, plan.patients, level=plan.level, unit=cases.unit),
        "averages": multiclass.measure_averages(checked, plan, cases.unit),
        "confusion": multiclass.confusion_matrix(checked).tolist(),
        **_all_labelled(decided, cases),
        "per_class": each,
        "probabilities": _all_labelled(
            multiclass.measure_probabilities(checked, level=plan.level, unit=cases.unit), cases
        ),
    }


def _band(
    cases: Cases, threshold: float | None, plan: Resampling, band: tuple[float, float] | None
) -> dict[str, Estimate]:
    if band is None or threshold is None:
        return {}
    found = abstention.measure_band(cases.labels, cases.scores, threshold, band, level=plan.level, unit=cases.unit)
    return _all_labelled(found, cases)


def _curves(cases: Cases, plan: Resampling, threshold: float | None, drawn: Drawn) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if not missing_class(cases.labels):
        found |= {f"roc_{name}": values for name, values in roc_curve(cases.labels, cases.scores).items()}
        tp = found["roc_sensitivity"] * cases.n_positive
        called = tp + found["roc_false_positive_rate"] * (cases.n - cases.n_positive)
        found["pr_precision"] = np.divide(tp, called, out=np.ones_like(tp), where=called > 0)
        found |= draw_bands(cases.labels, cases.scores, plan, drawn)
    if cases.scale == "probability":
        smooth = smooth_observed(cases.labels, cases.scores)
        found |= {} if smooth is None else {"loess_x": np.sort(cases.scores), "loess_y": smooth}
    if threshold is not None:
        risk = abstention.risk_coverage(cases.labels, cases.scores, threshold)
        found |= {"risk_coverage": risk["coverage"], "risk_error": risk["error"]}
    return found


def _notes(cases: Cases, thresholds: Sequence[Threshold], plan: Resampling) -> tuple[str, ...]:
    said = []
    if told := missing_class(cases.labels):
        said.append(f"{told}: discrimination is undefined")
    if cases.patients is None:
        said.append("no patient column: every scan is taken for a patient of its own")
    if cases.clustered:
        said.append(
            f"{cases.n} scans of {cases.n_patients} patients: scan-level AUROC with Obuchowski's interval, "
            "bootstrap by patient; intervals of proportions take scans as independent and are labelled so"
        )
    if not thresholds:
        said.append("no validation data and no stated threshold: nothing is said at an operating point")
    if cases.scale != "probability":
        said.append(f"{NOT_PROBABILITIES}: calibration and net benefit are left out")
    if not plan.resamples:
        said.append("no resamples were asked for: bootstrap intervals are left out")
    return tuple(said)
