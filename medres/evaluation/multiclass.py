"""Several classes, one probability column each -> one-vs-rest, macro, weighted and Hand-Till AUROC, confusion, ECE.

The predicted class is the column with the highest probability (the first among equals).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation import wins
from medres.evaluation.binning import expected_error
from medres.evaluation.calibration import mean_with_interval
from medres.evaluation.calibrators import CLIP
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.decision_tables import draw_tables, score_tables, with_percentiles
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_lengths, check_probabilities, check_scores
from medres.evaluation.intervals import percentile, proportion
from medres.evaluation.resampling import CACHED_CELLS, Resampling, Weights, draw_patients, draw_stratified

NOT_DRAWN = Resampling(resamples=0)
NO_CASE, EMPTY = "a class has no case", "a row or a column of the table is empty"
SUM_TOLERANCE = 1e-3  # probabilities of a case may miss 1 by rounding, not by more


@dataclass(frozen=True, eq=False)
class MulticlassCases:
    """Checked cases of a multi-class model.

    Attributes:
        truth: index of the true class, shape (n,).
        probabilities: shape (n, classes), in [0, 1].
        names: the classes in column order.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...]


def check_multiclass(
    y_true: Sequence[str] | np.ndarray, probabilities: ArrayLike, names: Sequence[str], scale: str = "probability"
) -> MulticlassCases:
    """Check labels by name against one probability column per class.

    Args:
        y_true: class name of each case, shape (n,).
        probabilities: shape (n, classes), in [0, 1].
        names: class of each column.
        scale: `probability`, or `any`: then every finite score will do, for ranks and decisions alone.

    Raises:
        EvaluationError: E_EVAL_LENGTH, E_EVAL_LABEL (a label that is no column), E_EVAL_RANGE, E_EVAL_EMPTY.
    """
    table = np.asarray(probabilities, float)
    truth = [str(label) for label in y_true]
    check_lengths(labels=truth, scores=table)
    if not truth:
        raise EvaluationError("E_EVAL_EMPTY", "at least one case is needed, got 0")
    if table.ndim != 2 or table.shape[1] != len(names) or len(names) < 2:
        raise EvaluationError("E_EVAL_LENGTH", f"one column per class is needed, got {table.shape} for {len(names)}")
    for column in table.T:
        check_probabilities(column) if scale == "probability" else check_scores(column)
    strange = sum(label not in names for label in truth)
    if strange:
        raise EvaluationError("E_EVAL_LABEL", f"labels must be one of the {len(names)} classes, got {strange} others")
    place = {name: index for index, name in enumerate(names)}
    return MulticlassCases(np.array([place[label] for label in truth]), table, tuple(names))


def one_vs_rest(
    cases: MulticlassCases, patients: np.ndarray | None = None, *, level: float = LEVEL, unit: str = "scan"
) -> dict[str, dict[str, Estimate]]:
    """AUROC of each class against all others.

    Args:
        cases: checked.
        patients: patient of each case, shape (n,), where patients have several scans; None takes each for its own.
        level: confidence level.
        unit: what a case is.

    Returns:
        Class name to `auroc` (logit-DeLong) and `auroc_delong`, or with patients `auroc` (logit-Obuchowski) and
        `auroc_plain` (Obuchowski); a class without cases is None with a reason.
    """
    found: dict[str, dict[str, Estimate]] = {}
    about: dict[str, Any] = {"level": level, "unit": unit}
    for k, name in enumerate(cases.names):
        truth, scores = cases.truth == k, cases.probabilities[:, k]
        if patients is None:
            area, plain = (auroc(truth, scores, method=one, **about) for one in ("logit-delong", "delong"))
            found[name] = {"auroc": area, "auroc_delong": plain}
        else:
            methods = ("logit-obuchowski", "obuchowski")
            area, plain = (auroc_clustered(truth, scores, patients, method=one, **about) for one in methods)
            found[name] = {"auroc": area, "auroc_plain": plain}
    return found


def average_auroc(cases: MulticlassCases, weights: np.ndarray | None = None) -> dict[str, float]:
    """Macro, weighted (by prevalence) and Hand-Till AUROC; NaN where a class has no case.

    Args:
        cases: checked.
        weights: how often each case counts, shape (n,); None is once.

    Source: Fawcett 2006 (one-vs-rest); Hand and Till, Machine Learning 2001.
    """
    row = np.ones(cases.truth.size, np.int64) if weights is None else np.asarray(weights)
    return {name: float(found[0]) for name, found in average_resamples(cases, iter([row[None]])).items()}


def average_resamples(cases: MulticlassCases, blocks: Weights) -> dict[str, np.ndarray]:
    """Macro, weighted and Hand-Till AUROC of every resample.

    Args:
        cases: checked.
        blocks: how often each case counts, each of shape (b, n).

    Returns:
        `macro_auroc`, `weighted_auroc`, `hand_till_auroc`, shape (resamples,); NaN where a class has no case.
    """
    classes, places = range(len(cases.names)), np.arange(cases.truth.size)
    each = [wins.build_ranking(cases.truth == k, cases.probabilities[:, k], places) for k in classes]
    pairs = [_rank_pair(cases, one, other) for one, other in permutations(classes, 2)]
    parts = [_average_block(cases.truth, each, pairs, block) for block in blocks]
    names = ("macro_auroc", "weighted_auroc", "hand_till_auroc")
    return dict(zip(names, np.concatenate(parts, axis=1) if parts else np.empty((3, 0)), strict=True))


def _rank_pair(cases: MulticlassCases, one: int, other: int) -> wins.Ranking:
    """Rank the cases of two classes by the probability of the one."""
    kept = np.flatnonzero((cases.truth == one) | (cases.truth == other))
    return wins.build_ranking(cases.truth[kept] == one, cases.probabilities[kept, one], kept)


def _average_block(
    truth: np.ndarray, each: list[wins.Ranking], pairs: list[wins.Ranking], block: np.ndarray
) -> np.ndarray:
    """Average the AUROCs of a block of resamples, shape (3, b)."""
    areas = np.array([wins.auroc(wins.count(ranking, block)) for ranking in each])  # (classes, b)
    between = np.array([wins.auroc(wins.count(ranking, block)) for ranking in pairs])
    counts = np.array([block[:, truth == k].sum(axis=1) for k in range(len(each))])
    found = np.array([areas.mean(axis=0), (areas * counts).sum(axis=0) / counts.sum(axis=0), between.mean(axis=0)])
    return np.where((counts > 0).all(axis=0), found, np.nan)


def measure_averages(cases: MulticlassCases, plan: Resampling, unit: str = "scan") -> dict[str, Estimate]:
    """Macro, weighted and Hand-Till AUROC with bootstrap intervals (stratified by class, or by patient).

    Returns:
        Three estimates; None with a reason where a class has no case.
    """
    once = average_auroc(cases)
    about: dict[str, Any] = {"method": plan.method, "n": cases.truth.size, "unit": unit, "level": plan.level}
    if not np.isfinite(once["macro_auroc"]):
        return {name: undefined(NO_CASE, **about) for name in once}
    found = average_resamples(*_drawn(cases, plan))
    estimates = {}
    for name, value in once.items():
        ends = percentile(found[name], plan.level) if plan.resamples else (None, None)
        estimates[name] = Estimate(value, *ends, **about)
    return estimates


def _drawn(cases: MulticlassCases, plan: Resampling) -> tuple[MulticlassCases, Weights]:
    """Put cases into an order of their own and draw resamples, by class or by patient."""
    order = np.lexsort((*cases.probabilities.T, cases.truth))
    ranked = MulticlassCases(cases.truth[order], cases.probabilities[order], cases.names)
    if plan.patients is None:
        return ranked, draw_stratified(ranked.truth, plan.resamples, plan.seed, CACHED_CELLS)
    one_stratum = np.zeros(order.size, bool)
    return ranked, draw_patients(plan.patients[order], one_stratum, plan.resamples, plan.seed, CACHED_CELLS)


def confusion_matrix(cases: MulticlassCases) -> np.ndarray:
    """Count truth (rows) against prediction (columns), shape (classes, classes)."""
    k = len(cases.names)
    called = cases.probabilities.argmax(axis=1)
    return np.bincount(cases.truth * k + called, minlength=k * k).reshape(k, k)


def measure_decisions(cases: MulticlassCases, plan: Resampling = NOT_DRAWN, *, unit: str = "scan") -> dict[str, Any]:
    """Accuracy, balanced accuracy, kappa, MCC, macro F1; precision, recall and F1 of each class.

    Args:
        cases: checked.
        plan: how the bootstrap is drawn, and the level; without resamples what is no share has no interval.
        unit: what a case is.

    Returns:
        Estimates by name, and `per_class` with `precision`, `recall` (Wilson) and `f1` of each.

    Source: Gorodkin, Comput Biol Chem 2004 (multi-class MCC); Cohen 1960.
    """
    matrix, about = confusion_matrix(cases), {"n": cases.truth.size, "unit": unit, "level": plan.level}
    once, drawn = score_tables(matrix[None]), score_tables(_drawn_tables(cases, plan))
    found = {
        name: _scored(float(once[name][0]), EMPTY if name in ("cohen_kappa", "mcc") else NO_CASE, about)
        for name in ("balanced_accuracy", "cohen_kappa", "mcc", "macro_f1")
    }
    right = proportion(int(np.trace(matrix)), cases.truth.size, level=plan.level, unit=unit)
    per_class = {
        name: _class_rates(matrix, k, about)
        | with_percentiles({"f1": _scored(float(once["f1"][0, k]), EMPTY, about)}, {"f1": drawn["f1"][:, k]}, plan)
        for k, name in enumerate(cases.names)
    }
    return {"accuracy": right, **with_percentiles(found, drawn, plan), "per_class": per_class}


def _drawn_tables(cases: MulticlassCases, plan: Resampling) -> np.ndarray:
    """Confusion matrices of every resample, shape (resamples, classes, classes)."""
    ranked, blocks = _drawn(cases, plan)
    return draw_tables(ranked.truth, ranked.probabilities.argmax(axis=1), len(cases.names), blocks)


def _class_rates(matrix: np.ndarray, k: int, about: dict[str, Any]) -> dict[str, Estimate]:
    """Precision and recall of one class."""
    hit, fields = int(matrix[k, k]), {"level": about["level"], "unit": about["unit"]}
    return {
        "precision": proportion(hit, int(matrix[:, k].sum()), **fields),
        "recall": proportion(hit, int(matrix[k].sum()), **fields),
    }


def _scored(value: float, reason: str, about: dict[str, Any]) -> Estimate:
    return Estimate(value, method="none", **about) if np.isfinite(value) else undefined(reason, **about)


def measure_probabilities(cases: MulticlassCases, *, level: float = LEVEL, unit: str = "scan") -> dict[str, Estimate]:
    """Brier score (sum over classes), log loss, top-label ECE and class-wise ECE. Lower is better.

    Args:
        cases: checked.
        level: confidence level.
        unit: what a case is.

    Returns:
        Estimates by name, Brier score and log loss with Wald's interval of a mean; None with a reason where the
        probabilities of a case do not sum to 1.

    Source: Brier 1950; Guo 2017 (top-label); Nixon et al. 2019 (class-wise).
    """
    about: dict[str, Any] = {"n": cases.truth.size, "unit": unit, "level": level}
    table, rows = cases.probabilities, np.arange(cases.truth.size)
    names = ("brier", "log_loss", "top_label_ece", "classwise_ece")
    off = int(np.sum((np.abs(table.sum(axis=1) - 1) > SUM_TOLERANCE) | (table < 0).any(axis=1)))
    if off:
        return {name: undefined(f"probabilities do not sum to 1 in {off} case(s)", **about) for name in names}
    hot = np.eye(len(cases.names))[cases.truth]
    top = table.argmax(axis=1)
    eces = [expected_error(cases.truth == k, table[:, k])["ece"].value or 0.0 for k in range(len(cases.names))]
    top_ece = expected_error(top == cases.truth, table[rows, top])["ece"].value
    return {
        "brier": mean_with_interval(np.sum((table - hot) ** 2, axis=1), about, 2.0),
        "log_loss": mean_with_interval(-np.log(np.clip(table[rows, cases.truth], CLIP, 1)), about),
        "top_label_ece": Estimate(top_ece, method="10 bins by width, no interval", **about),
        "classwise_ece": Estimate(float(np.mean(eces)), method="10 bins by width, no interval", **about),
    }
