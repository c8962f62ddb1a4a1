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
from medres.evaluation.calibrators import CLIP
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_lengths, check_probabilities, check_scores
from medres.evaluation.intervals import percentile, proportion
from medres.evaluation.resampling import CACHED_CELLS, Resampling, Weights, draw_patients, draw_stratified

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
        return {name: undefined("a class has no case", **about) for name in once}
    order = np.lexsort((*cases.probabilities.T, cases.truth))
    ranked = MulticlassCases(cases.truth[order], cases.probabilities[order], cases.names)
    if plan.patients is None:
        blocks = draw_stratified(ranked.truth, plan.resamples, plan.seed, CACHED_CELLS)
    else:
        one_stratum = np.zeros(order.size, bool)
        blocks = draw_patients(plan.patients[order], one_stratum, plan.resamples, plan.seed, CACHED_CELLS)
    found = average_resamples(ranked, blocks)
    estimates = {}
    for name, value in once.items():
        ends = percentile(found[name], plan.level) if plan.resamples else (None, None)
        estimates[name] = Estimate(value, *ends, **about)
    return estimates


def confusion_matrix(cases: MulticlassCases) -> np.ndarray:
    """Count truth (rows) against prediction (columns), shape (classes, classes)."""
    k = len(cases.names)
    called = cases.probabilities.argmax(axis=1)
    return np.bincount(cases.truth * k + called, minlength=k * k).reshape(k, k)


def measure_decisions(cases: MulticlassCases, *, level: float = LEVEL, unit: str = "scan") -> dict[str, Any]:
    """Accuracy, balanced accuracy, kappa, MCC, macro F1; precision, recall and F1 of each class.

    Returns:
        Estimates by name, and `per_class` with `precision`, `recall` (Wilson) and `f1` of each.

    Source: Gorodkin, Comput Biol Chem 2004 (multi-class MCC); Cohen 1960.
    """
    matrix = confusion_matrix(cases)
    n, right = int(matrix.sum()), int(np.trace(matrix))
    rows, columns, diagonal = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    about: dict[str, Any] = {"n": n, "unit": unit, "level": level}
    per_class = {
        name: {
            "precision": proportion(int(diagonal[k]), int(columns[k]), level=level, unit=unit),
            "recall": proportion(int(diagonal[k]), int(rows[k]), level=level, unit=unit),
            "f1": _share(2 * diagonal[k], rows[k] + columns[k], about),
        }
        for k, name in enumerate(cases.names)
    }
    chance = float(rows @ columns) / n**2
    spread = np.sqrt(float(n**2 - columns @ columns)) * np.sqrt(float(n**2 - rows @ rows))
    recalls, scores = ([one[part].value for one in per_class.values()] for part in ("recall", "f1"))
    return {
        "accuracy": proportion(right, n, level=level, unit=unit),
        "balanced_accuracy": _mean(recalls, about),
        "cohen_kappa": _share(right / n - chance, 1 - chance, about),
        "mcc": _share(right * n - float(rows @ columns), spread, about),
        "macro_f1": _mean(scores, about),
        "per_class": per_class,
    }


def _share(top: float, bottom: float, about: dict[str, Any]) -> Estimate:
    if not bottom:
        return undefined("a row or a column of the table is empty", **about)
    return Estimate(float(top / bottom), method="none", **about)


def _mean(values: list[float | None], about: dict[str, Any]) -> Estimate:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return undefined("a class has no case", **about)
    return Estimate(float(np.mean(known)), method="none", **about)


def measure_probabilities(cases: MulticlassCases, *, unit: str = "scan") -> dict[str, Estimate]:
    """Brier score (sum over classes), log loss, top-label ECE and class-wise ECE. Lower is better.

    Returns:
        Estimates by name; None with a reason where the probabilities of a case do not sum to 1.

    Source: Brier 1950; Guo 2017 (top-label); Nixon et al. 2019 (class-wise).
    """
    about: dict[str, Any] = {"n": cases.truth.size, "unit": unit}
    table, rows = cases.probabilities, np.arange(cases.truth.size)
    names = ("brier", "log_loss", "top_label_ece", "classwise_ece")
    off = int(np.sum((np.abs(table.sum(axis=1) - 1) > SUM_TOLERANCE) | (table < 0).any(axis=1)))
    if off:
        return {name: undefined(f"probabilities do not sum to 1 in {off} case(s)", **about) for name in names}
    hot = np.eye(len(cases.names))[cases.truth]
    top = table.argmax(axis=1)
    eces = [expected_error(cases.truth == k, table[:, k])["ece"].value for k in range(len(cases.names))]
    values = (
        float(np.mean(np.sum((table - hot) ** 2, axis=1))),
        -float(np.mean(np.log(np.clip(table[rows, cases.truth], CLIP, 1)))),
        expected_error(top == cases.truth, table[rows, top])["ece"].value,
        float(np.mean([value for value in eces if value is not None])),
    )
    return {name: Estimate(value, method="none", **about) for name, value in zip(names, values, strict=True)}
