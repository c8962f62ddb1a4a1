"""Evaluation -> tables: rows of text for CSV files and pages, cells that look like formulas escaped.

Knows how a number with its interval is worded; knows no page and writes no file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from medres.evaluation.estimate import Estimate
from medres.evaluation.summary import Evaluation
from medres.results.evaluation_setting import EvaluationSetting

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NAMES = {
    "auroc": "AUROC",
    "auroc_plain": "AUROC, plain interval",
    "auroc_naive": "AUROC, naive interval",
    "auroc_bootstrap": "AUROC, bootstrap interval",
    "auprc": "AUPRC (average precision)",
    "partial_auc": "Partial AUC, specificity 0.9 to 1",
    "partial_auc_mcclish": "Partial AUC, McClish",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "Accuracy",
    "prevalence": "Prevalence",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
    "dor": "Diagnostic odds ratio",
    "balanced_accuracy": "Balanced accuracy",
    "youden_j": "Youden's J",
    "f1": "F1",
    "mcc": "Matthews' correlation",
    "cohen_kappa": "Cohen's kappa",
    "citl": "Calibration in the large (logit offset)",
    "slope": "Calibration slope",
    "intercept_joint": "Intercept, fitted with the slope",
    "oe_ratio": "Observed over expected",
    "brier": "Brier score",
    "brier_scaled": "Scaled Brier score",
    "log_loss": "Log loss",
    "spiegelhalter_z": "Spiegelhalter's z",
    "ece_width": "ECE, 10 bins of equal width",
    "mce_width": "Largest bin error, equal width",
    "ece_mass": "ECE, 10 bins of equal mass",
    "mce_mass": "Largest bin error, equal mass",
    "ici": "ICI (loess)",
    "e50": "E50 (loess)",
    "e90": "E90 (loess)",
    "answered": "Answered",
    "positives_answered": "Positives answered",
    "negatives_answered": "Negatives answered",
    "error_answered": "Error among the answered",
    "error_all": "Error if all were answered",
    "sensitivity_answered": "Sensitivity among the answered",
    "specificity_answered": "Specificity among the answered",
    "accepted_in_scope": "Accepted by the gate",
    "accepted_out_of_scope": "Not in scope, yet accepted",
    "error_accepted": "Error among the accepted",
    "out_of_scope": "Called out of scope",
    "macro_auroc": "Macro AUROC, one against the rest",
    "weighted_auroc": "AUROC weighted by prevalence",
    "hand_till_auroc": "Hand-Till AUROC",
    "macro_f1": "Macro F1",
    "top_label_ece": "Top-label ECE",
    "classwise_ece": "Class-wise ECE",
    "sensitivity_bootstrap": "Sensitivity, bootstrap interval",
    "specificity_bootstrap": "Specificity, bootstrap interval",
    "froc_mean": "Mean sensitivity, 1/8 to 8 false marks a scan",
    "hit_rate": "Hottest place on a lesion",
    "hit_rate_blind": "A blind place on a lesion",
    "lesions_marked": "Lesions marked at all",
    "false_marks": "False marks a scan",
    "failure rate": "Failure rate",
}
METHODS = {
    "wilson": "Wilson",
    "clopper-pearson": "Clopper-Pearson",
    "wald": "Wald",
    "wald on log": "Wald on the log scale",
    "delong": "DeLong, clipped",
    "logit-delong": "DeLong on the logit scale",
    "obuchowski": "Obuchowski, clipped",
    "logit-obuchowski": "Obuchowski on the logit scale",
    "none": "no interval",
    "": "no interval",
}
ESTIMATE_COLUMNS = ("value", "lower", "upper", "x", "n", "n_positive", "unit", "method", "level", "note")


def say_name(name: str) -> str:
    """Turn a key into words.

    Example:
        >>> say_name("sensitivity_at_specificity_0.90"), say_name("froc_0.125")
        ('Sensitivity at specificity ≥ 0.90', 'Sensitivity at 0.125 false marks a scan')
    """
    if name in NAMES:
        return NAMES[name]
    for kind, other in (("Sensitivity", "specificity"), ("Specificity", "sensitivity")):
        start = f"{kind.lower()}_at_{other}_"
        if name.startswith(start):
            return f"{kind} at {other} ≥ {name[len(start) :]}"
    if name.startswith("froc_"):
        return f"Sensitivity at {name[5:]} false marks a scan"
    words = name[:1].upper() + name[1:].replace("_", " ")
    return words.replace("auroc", "AUROC").replace("Auroc", "AUROC")


def say_method(method: str) -> str:
    """Name the method of an interval as a paper does.

    Example:
        >>> say_method("logit-delong"), say_method("wilson, scans taken as independent")
        ('DeLong on the logit scale', 'Wilson, scans taken as independent')
    """
    name, comma, rest = method.partition(", ")
    return f"{METHODS.get(name, name)}{comma}{rest}"


def say_number(value: float | None, digits: int = 3) -> str:
    """Word a number to three decimals, or fewer where it is large.

    Example:
        >>> say_number(0.72345), say_number(-0.5), say_number(312.4), say_number(None)
        ('0.723', '−0.500', '312', '–')
    """
    if value is None:
        return "–"
    places = digits if abs(value) < 10 else max(0, digits - len(str(int(abs(value)))))
    text = f"{value:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def say_estimate(estimate: Estimate) -> str:
    """Word a number with its interval.

    Example:
        >>> say_estimate(Estimate(0.9, 0.8, 0.95)), say_estimate(Estimate(None, reason="no positive case"))
        ('0.900 (0.800 to 0.950)', 'undefined: no positive case')
    """
    if estimate.value is None:
        return f"undefined: {estimate.reason}"
    return f"{say_number(estimate.value)}{say_interval(estimate, ' ({})')}"


def say_share(estimate: Estimate) -> str:
    """Word a proportion with x/n and its interval.

    Example:
        >>> say_share(Estimate(0.5, 0.2, 0.8, x=2, n=4)), say_share(Estimate(None, reason="no case"))
        ('0.500 (2/4; 0.200 to 0.800)', 'undefined: no case')
    """
    if estimate.value is None or estimate.x is None:
        return say_estimate(estimate)
    return f"{say_number(estimate.value)} ({estimate.x}/{estimate.n}{say_interval(estimate, '; {}')})"


def say_interval(estimate: Estimate, around: str = "{}") -> str:
    """Word an interval alone; empty where there is none."""
    if estimate.lower is None or estimate.upper is None:
        return ""
    return around.format(f"{say_number(estimate.lower)} to {say_number(estimate.upper)}")


def say_count(estimate: Estimate) -> str:
    """Word x/n of a proportion, else n.

    Example:
        >>> say_count(Estimate(0.5, n=4, x=2)), say_count(Estimate(0.5, n=4))
        ('2/4', '4')
    """
    return f"{estimate.x}/{estimate.n}" if estimate.x is not None else str(estimate.n)


def escape_cell(cell: Any) -> Any:
    """Disarm a text that a spreadsheet would run; numbers stay as they are.

    Example:
        >>> escape_cell("=1+1"), escape_cell(-0.5), escape_cell("-0.5"), escape_cell("-site")
        ("'=1+1", -0.5, '-0.5', "'-site")
    """
    if not isinstance(cell, str) or not cell.startswith(FORMULA_STARTS):
        return cell
    return cell if _is_number(cell) else f"'{cell}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table as CSV in UTF-8; None is an empty cell.

    Example:
        >>> write_csv(["a", "b"], [["=x", None]]).decode().splitlines()
        ['a,b', "'=x,"]
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in ([*columns], *rows):
        writer.writerow(["" if cell is None else escape_cell(cell) for cell in row])
    return text.getvalue().encode()


def metric_rows(evaluation: Evaluation, setting: EvaluationSetting) -> list[list[Any]]:
    """One row for each number: part, metric, value, interval, counts, method."""
    parts: list[tuple[str, str, Estimate]] = [("discrimination", n, e) for n, e in evaluation.discrimination.items()]
    for name, point in evaluation.points.items():
        for group in (point.rates, point.exact, point.ratios, point.scores, point.resampled):
            parts += [(f"at {name}", metric, one) for metric, one in group.items()]
        for share, pair in point.adjusted.items():
            parts += [(f"at {name}, prevalence {share}", metric, one) for metric, one in pair.items()]
    parts += [("calibration", n, e) for n, e in evaluation.calibration.items()]
    for rule, patient in evaluation.patients.items():
        parts += [
            (f"patients, {rule}", n, e) for n, e in (("auroc", patient.auroc), ("auroc_plain", patient.auroc_delong))
        ]
        parts += [(f"patients, {rule}", n, e) for n, e in patient.rates.items()]
    parts += [("abstention", n, e) for n, e in evaluation.band.items()]
    parts += [("scope gate", n, e) for n, e in setting.gate.items()]
    parts += [("localisation", n, e) for n, e in setting.localisation.items()]
    parts += [("worst case", n, e) for n, e in setting.worst_case.items()]
    parts += [("flow", "failure rate", setting.failures), *_class_rows(evaluation)]
    return [[part, metric, *_cells(one)] for part, metric, one in parts]


def _class_rows(evaluation: Evaluation) -> list[tuple[str, str, Estimate]]:
    if not evaluation.classes:
        return []
    rows: list[tuple[str, str, Estimate]] = []
    for name, pair in evaluation.classes["one_vs_rest"].items():
        rows += [(f"class {name} against the rest", metric, one) for metric, one in pair.items()]
    for name, trio in evaluation.classes["per_class"].items():
        rows += [(f"class {name}", metric, one) for metric, one in trio.items()]
    for part in (evaluation.classes["averages"], evaluation.classes["probabilities"], evaluation.classes):
        rows += [("classes", metric, one) for metric, one in part.items() if isinstance(one, Estimate)]
    return rows


def _cells(one: Estimate) -> list[Any]:
    note = "; ".join(filter(None, (one.reason, one.note)))
    return [one.value, one.lower, one.upper, one.x, one.n, one.n_positive, one.unit, one.method, one.level, note]


def build_tables(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, bytes]:
    """Make every CSV table of an evaluation, by file name.

    Args:
        evaluation: the numbers.
        setting: what stands around them.

    Returns:
        `metrics.csv` always; `subgroups.csv`, `reliability.csv`, `decision_curve.csv`, `roc.csv`, `confusion.csv`,
        `froc.csv` where there is something to write, and what the setting keeps.
    """
    tables = {"metrics.csv": write_csv(["part", "metric", *ESTIMATE_COLUMNS], metric_rows(evaluation, setting))}
    if evaluation.subgroups:
        tables["subgroups.csv"] = _subgroup_table(evaluation)
    if evaluation.bins:
        rows = [[by, *vars(one).values()] for by, bins in evaluation.bins.items() for one in bins]
        head = ["bins by", "bin", "n", "n_positive", "mean_predicted", "observed", "lower", "upper"]
        tables["reliability.csv"] = write_csv(head, rows)
    if evaluation.decisions:
        head = list(vars(evaluation.decisions[0]))
        tables["decision_curve.csv"] = write_csv(head, [list(vars(point).values()) for point in evaluation.decisions])
    tables |= _curve_tables(evaluation, setting)
    return tables | dict(setting.kept) | _confusion_table(evaluation, setting)


def _subgroup_table(evaluation: Evaluation) -> bytes:
    head = ["column", "value", "n", "n_positive", "flag"]
    head += [
        f"{metric}_{part}" for metric in ("auroc", "sensitivity", "specificity") for part in ("value", "lower", "upper")
    ]
    rows = []
    for group in evaluation.subgroups:
        row: list[Any] = [group.column, group.value, group.n, group.n_positive, group.flag]
        for one in (group.auroc, group.sensitivity, group.specificity):
            row += [None] * 3 if one is None else [one.value, one.lower, one.upper]
        rows.append(row)
    return write_csv(head, rows)


def _curve_tables(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, bytes]:
    tables, curves = {}, evaluation.curves
    if "roc_threshold" in curves:
        names = ("roc_threshold", "roc_sensitivity", "roc_false_positive_rate", "pr_precision")
        rows = list(zip(*(curves[name].tolist() for name in names), strict=True))
        tables["roc.csv"] = write_csv(["threshold", "sensitivity", "false_positive_rate", "precision"], rows)
    if setting.froc:
        rows = list(zip(*(setting.froc[k] for k in ("threshold", "false_positives", "sensitivity")), strict=True))
        tables["froc.csv"] = write_csv(["threshold", "false_positives_per_scan", "sensitivity"], rows)
    return tables


def _confusion_table(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, bytes]:
    if evaluation.classes:
        names = evaluation.classes["names"]
        rows = [[name, *row] for name, row in zip(names, evaluation.classes["confusion"], strict=True)]
        return {"confusion.csv": write_csv(["truth (rows), called (columns)", *names], rows)}
    if not evaluation.points:
        return {}
    rows = []
    for name, point in evaluation.points.items():
        counts = point.counts
        rows.append([name, point.threshold.value, counts.tp, counts.fp, counts.fn, counts.tn])
    return {"confusion.csv": write_csv(["operating_point", "threshold", "tp", "fp", "fn", "tn"], rows)}
