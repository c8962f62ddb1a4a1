"""Several classes, one probability column each -> one-vs-rest, macro, weighted and Hand-Till AUROC, confusion, ECE.

The predicted class is the column with the highest probability (the first among equals).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medres.errors import EvaluationError
from medres.evaluation.binning import expected_error
from medres.evaluation.calibrators import CLIP
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_lengths, check_probabilities, check_scores
from medres.evaluation.intervals import percentile, proportion
from medres.evaluation.ranking import build_placements
from medres.evaluation.resampling import Resampling, draw_patients, draw_stratified

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
    rows = np.arange(cases.truth.size) if weights is None else np.repeat(np.arange(cases.truth.size), weights)
    truth, table = cases.truth[rows], cases.probabilities[rows]
    counts = np.bincount(truth, minlength=len(cases.names))
    if (counts == 0).any():
        return {"macro_auroc": np.nan, "weighted_auroc": np.nan, "hand_till_auroc": np.nan}
    each = np.array([build_placements(truth == k, table[:, k]).auroc for k in range(len(cases.names))])
    pairs = [_pair(truth, table, i, j) for i, j in combinations(range(len(cases.names)), 2)]
    return {
        "macro_auroc": float(each.mean()),
        "weighted_auroc": float(each @ counts / counts.sum()),
        "hand_till_auroc": float(np.mean(pairs)),
    }


def _pair(truth: np.ndarray, table: np.ndarray, i: int, j: int) -> float:
    """Mean of both directions of a pair of classes."""
    kept = (truth == i) | (truth == j)
    first = build_placements(truth[kept] == i, table[kept, i]).auroc
    return (first + build_placements(truth[kept] == j, table[kept, j]).auroc) / 2


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
        blocks = draw_stratified(ranked.truth, plan.resamples, plan.seed)
    else:
        blocks = draw_patients(plan.patients[order], np.zeros(order.size, bool), plan.resamples, plan.seed)
    found = [average_auroc(ranked, row) for block in blocks for row in block]
    estimates = {}
    for name, value in once.items():
        ends = percentile(np.array([one[name] for one in found]), plan.level) if found else (None, None)
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
