"""Evaluation -> plots: ROC, precision-recall, reliability, decision curve, scores, confusion, forest, FROC, abstention.

Draws what was measured and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from medres.evaluation.estimate import Estimate
from medres.evaluation.summary import Evaluation
from medres.results.disclaimer import Stamp
from medres.results.evaluation_axes import (
    BAND,
    FAINT,
    INK,
    MODEL,
    NEGATIVE,
    POINT,
    POSITIVE,
    REFERENCE,
    Plot,
    explain,
    finish,
    new_figure,
    quieten,
    unit_square,
)
from medres.results.evaluation_setting import EvaluationSetting
from medres.results.evaluation_tables import say_estimate, say_number

SHOWN_BENEFIT = -0.05  # decision curves are cut below this: harm far below nothing says nothing more
MOST_FALSE_MARKS = 8.0  # per scan, the last target of a FROC curve
MOST_POINTS = 2000  # points of a curve that are drawn


def draw_plots(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, Plot]:
    """Draw every plot that there is something to draw for.

    Args:
        evaluation: the numbers.
        setting: names of the classes, FROC curve, band.

    Returns:
        Plots by name: `roc`, `precision_recall`, `reliability`, `decision_curve`, `scores`, `confusion`, `subgroups`,
        `froc`, `abstention`.
    """
    stamp = Stamp(str(setting.model.get("name", "")), str(setting.model.get("version", "")))
    plots = {"scores": draw_scores(evaluation, setting, stamp)}
    if "roc_sensitivity" in evaluation.curves:
        plots["roc"] = draw_roc(evaluation, stamp)
        plots["precision_recall"] = draw_precision_recall(evaluation, stamp)
    if evaluation.bins:
        plots["reliability"] = draw_reliability(evaluation, setting, stamp)
    if evaluation.decisions:
        plots["decision_curve"] = draw_decisions(evaluation, stamp)
    if evaluation.points or evaluation.classes:
        plots["confusion"] = draw_confusion(evaluation, setting, stamp)
    if any(group.auroc.defined for group in evaluation.subgroups):
        plots["subgroups"] = draw_forest(evaluation, stamp)
    if setting.froc:
        plots["froc"] = draw_froc(setting, stamp)
    if "risk_coverage" in evaluation.curves:
        plots["abstention"] = draw_abstention(evaluation, stamp)
    return plots


def _thinned(*columns: np.ndarray) -> list[np.ndarray]:
    """Leave points out of a long curve, never its ends."""
    size = columns[0].size
    kept = np.unique(np.linspace(0, size - 1, min(size, MOST_POINTS)).round().astype(int))
    return [column[kept] for column in columns]


def draw_roc(evaluation: Evaluation, stamp: Stamp) -> Plot:
    """Draw the ROC curve with its pointwise band and every operating point."""
    curves, figure = evaluation.curves, new_figure()
    axes = figure.subplots()
    area = evaluation.discrimination["auroc"]
    if "roc_lower" in curves:
        label = f"{evaluation.plan.level:.0%} band, pointwise"
        axes.fill_between(
            curves["grid"], curves["roc_lower"], curves["roc_upper"], color=BAND, lw=0, label=label, step="post"
        )
    axes.plot([0, 1], [0, 1], color=REFERENCE, lw=0.8, ls=(0, (4, 3)), label="chance, 0.5")
    x, y = _thinned(curves["roc_false_positive_rate"], curves["roc_sensitivity"])
    axes.plot(x, y, color=MODEL, lw=1.6, label=f"AUROC {say_estimate(area)}")
    for name, point in evaluation.points.items():
        sensitivity, specificity = point.rates["sensitivity"].value, point.rates["specificity"].value
        if sensitivity is not None and specificity is not None:
            is_default = name == evaluation.default
            style = {"color": POINT if is_default else INK, "markersize": 7 if is_default else 4.5}
            label = f"{name}: threshold {say_number(point.threshold.value)}"
            axes.plot(1 - specificity, sensitivity, "o" if is_default else "D", label=label, zorder=5, **style)  # type: ignore[arg-type]
    unit_square(axes)
    quieten(axes, "1 − specificity", "sensitivity")
    explain(axes)
    return finish(figure, stamp, f"ROC curve, AUROC {say_estimate(area)}")


def draw_precision_recall(evaluation: Evaluation, stamp: Stamp) -> Plot:
    """Draw precision against recall with the prevalence as reference."""
    curves, figure = evaluation.curves, new_figure()
    axes = figure.subplots()
    area, prevalence = evaluation.discrimination["auprc"], evaluation.discrimination["prevalence"].value or 0
    if "pr_lower" in curves:
        label = f"{evaluation.plan.level:.0%} band, pointwise"
        axes.fill_between(
            curves["grid"], curves["pr_lower"], curves["pr_upper"], color=BAND, lw=0, label=label, step="pre"
        )
    axes.axhline(prevalence, color=REFERENCE, lw=0.8, ls=(0, (4, 3)), label=f"prevalence {say_number(prevalence)}")
    x, y = _thinned(curves["roc_sensitivity"][1:], curves["pr_precision"][1:])
    axes.step(x, y, where="pre", color=MODEL, lw=1.6, label=f"AUPRC {say_estimate(area)}")
    unit_square(axes)
    quieten(axes, "recall (sensitivity)", "precision (PPV)")
    explain(axes, "lower left")
    return finish(figure, stamp, f"precision-recall curve, AUPRC {say_estimate(area)}")


def draw_reliability(evaluation: Evaluation, setting: EvaluationSetting, stamp: Stamp) -> Plot:
    """Draw observed share against probability with Wilson's intervals, and beneath it how many cases stand behind."""
    figure = new_figure(4.8, 5.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color=REFERENCE, lw=0.8, ls=(0, (4, 3)), label="perfect")
    bins = evaluation.bins["mass"]
    x, y = (np.array([getattr(one, name) for one in bins]) for name in ("mean_predicted", "observed"))
    reach = np.abs(np.array([[one.lower, one.upper] for one in bins]).T - y)
    label = "tenths of the cases, Wilson"
    upper.errorbar(x, y, yerr=reach, fmt="o", color=MODEL, ms=4, lw=0.9, capsize=2, label=label)
    if "loess_x" in evaluation.curves:
        xs, ys = _thinned(evaluation.curves["loess_x"], evaluation.curves["loess_y"])
        upper.plot(xs, np.clip(ys, 0, 1), color=POINT, lw=1.2, label="loess")
    upper.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02))
    quieten(upper, "", f"observed share of {setting.positive}")
    explain(upper, "upper left")
    lower.hist(evaluation.cases.scores, list(np.linspace(0, 1, 21)), color=BAND, edgecolor="white", lw=0.4)
    quieten(lower, f"probability of {setting.positive}", "cases")
    return finish(figure, stamp, "reliability diagram with counts")


def draw_decisions(evaluation: Evaluation, stamp: Stamp) -> Plot:
    """Draw the net benefit of the model against treating all and treating none."""
    figure = new_figure(5.6, 3.9)
    axes = figure.subplots()
    x, model, every = (
        np.array([getattr(point, name) for point in evaluation.decisions], float)
        for name in ("threshold", "net_benefit", "net_benefit_all")
    )
    if evaluation.decisions[0].lower is not None:
        low, high = (np.array([getattr(point, name) for point in evaluation.decisions]) for name in ("lower", "upper"))
        axes.fill_between(x, low, high, color=BAND, lw=0, label=f"{evaluation.plan.level:.0%} band, pointwise")
    axes.plot(x, every, color=NEGATIVE, lw=1, ls=(0, (4, 2)), label="act on all")
    axes.axhline(0, color=INK, lw=0.8, label="act on none")
    axes.plot(x, model, color=MODEL, lw=1.6, label="act on the model")
    top = float(max(model.max(), every.max(), 0.02))
    axes.set(xlim=(0, 1), ylim=(SHOWN_BENEFIT, top * 1.12))
    quieten(axes, "threshold probability", "net benefit per case")
    explain(axes, "upper right")
    return finish(figure, stamp, "decision curve: net benefit of the model, of acting on all and on none")


def draw_scores(evaluation: Evaluation, setting: EvaluationSetting, stamp: Stamp) -> Plot:
    """Draw where the scores of both classes lie, the operating point between them."""
    figure = new_figure(5.6, 3.6)
    axes = figure.subplots()
    cases = evaluation.cases
    ends = (0.0, 1.0) if cases.scale == "probability" else (float(cases.scores.min()), float(cases.scores.max()) + 1e-9)
    edges = list(np.linspace(*ends, 26))
    for truth, name, colour in ((False, setting.negative, NEGATIVE), (True, setting.positive, POSITIVE)):
        kept = cases.scores[cases.labels == truth]
        axes.hist(kept, edges, color=colour, alpha=0.62, label=f"{name} (n = {kept.size})", edgecolor="white", lw=0.3)
    if evaluation.default:
        threshold = evaluation.points[evaluation.default].threshold
        axes.axvline(threshold.value, color=INK, lw=1, ls=(0, (4, 2)), label=f"threshold {say_number(threshold.value)}")
    if setting.band:
        axes.axvspan(*setting.band, color=FAINT, alpha=0.6, lw=0, zorder=0, label="indeterminate")
    word = "probability" if cases.scale == "probability" else "score"
    quieten(axes, f"{word} of {setting.positive}", "cases")
    axes.set_ylim(top=1.35 * axes.get_ylim()[1])  # room for the legend above the bars
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    explain(axes, "upper center")
    return finish(figure, stamp, "score distribution of both classes")


def draw_confusion(evaluation: Evaluation, setting: EvaluationSetting, stamp: Stamp) -> Plot:
    """Draw the confusion matrix, counts and shares of each true class."""
    if evaluation.classes:
        names, table = evaluation.classes["names"], np.array(evaluation.classes["confusion"])
    else:
        counts = evaluation.points[evaluation.default].counts
        names, table = [setting.negative, setting.positive], np.array([[counts.tn, counts.fp], [counts.fn, counts.tp]])
    side = 2.6 + 0.62 * len(names)
    figure = new_figure(side + 0.5, side)
    axes = figure.subplots()
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for (row, column), cell in np.ndenumerate(table):
        colour = "white" if shares[row, column] > 0.6 else INK
        axes.text(
            column, row, f"{cell}\n{_percent(shares[row, column])}", ha="center", va="center", color=colour, fontsize=9
        )
    ticks = range(len(names))
    axes.set_xticks(ticks, names, fontsize=8, rotation=0 if len(names) < 4 else 30)
    axes.set_yticks(ticks, names, fontsize=8)
    axes.set_xlabel("called", fontsize=9)
    axes.set_ylabel("truth", fontsize=9)
    axes.spines[:].set_visible(False)
    return finish(figure, stamp, "confusion matrix: rows are the truth, columns what was called")


def _percent(share: float) -> str:
    """Word a share as whole percents; what is seldom is not 0."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def draw_forest(evaluation: Evaluation, stamp: Stamp) -> Plot:
    """Draw the AUROC of every subgroup with its interval, the whole first."""
    rows: list[tuple[str, Estimate, int, int, str]] = [
        ("all", evaluation.discrimination["auroc"], evaluation.cases.n, evaluation.cases.n_positive, "")
    ]
    rows += [(f"{g.column}: {g.value}", g.auroc, g.n, g.n_positive, g.flag) for g in evaluation.subgroups]
    figure = new_figure(6.6, 1.1 + 0.27 * len(rows))
    axes = figure.subplots()
    whole = rows[0][1]
    if whole.lower is not None and whole.upper is not None:
        axes.axvspan(whole.lower, whole.upper, color=FAINT, alpha=0.5, lw=0)
    for place, (_, estimate, _, n_positive, flag) in enumerate(rows):
        _draw_row(axes, place, estimate, n_positive, bool(flag))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    names = [f"{name}{' *' if flag else ''}" for name, _, _, _, flag in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    quieten(axes, "AUROC", "")
    axes.grid(visible=False, axis="y")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(rows)), [f"{positives} of {n}" for _, _, n, positives, _ in rows], fontsize=7.5)
    beside.spines[:].set_visible(False)
    beside.tick_params(length=0, colors=INK)
    axes.set_title("* fewer than 10 positives; right: positives of cases", fontsize=7, color=REFERENCE, loc="left")
    return finish(figure, stamp, "forest plot: AUROC of every subgroup with its interval")


def _draw_row(axes: Axes, place: int, estimate: Estimate, n_positive: int, is_small: bool) -> None:
    if estimate.value is None:
        axes.text(0.5, place, "one class only", fontsize=7, color=REFERENCE, va="center", ha="center")
        return
    colour = REFERENCE if is_small else MODEL
    if estimate.lower is not None and estimate.upper is not None:
        axes.plot([estimate.lower, estimate.upper], [place, place], color=colour, lw=1.4, solid_capstyle="butt")
    axes.plot(estimate.value, place, "s", color=colour, ms=3 + min(4.0, np.sqrt(n_positive) / 2))


def draw_froc(setting: EvaluationSetting, stamp: Stamp) -> Plot:
    """Draw sensitivity per lesion against false marks per scan, on a logarithmic axis."""
    figure = new_figure(5.2, 3.9)
    axes = figure.subplots()
    x, y = (np.asarray(setting.froc[name], float) for name in ("false_positives", "sensitivity"))
    floor = 1 / 16
    axes.step(np.maximum(x, floor), y, where="post", color=MODEL, lw=1.6)
    if y.size and x[-1] < MOST_FALSE_MARKS:
        axes.plot([max(x[-1], floor), MOST_FALSE_MARKS], [y[-1], y[-1]], color=MODEL, lw=1, ls=":")
    at: Sequence[float] = (0.125, 0.25, 0.5, 1, 2, 4, 8)
    for target in at:
        one = setting.localisation[f"froc_{target:g}"]
        if one.value is not None and one.lower is not None and one.upper is not None:
            axes.errorbar(
                target,
                one.value,
                [[one.value - one.lower], [one.upper - one.value]],
                fmt="o",
                color=POINT,
                ms=4,
                capsize=2,
            )
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(at), ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    axes.set(xlim=(floor, 9), ylim=(-0.02, 1.02))
    quieten(axes, "false marks per scan", "sensitivity per lesion")
    return finish(figure, stamp, "FROC curve with intervals at the seven targets")


def draw_abstention(evaluation: Evaluation, stamp: Stamp) -> Plot:
    """Draw the error among the answered cases as fewer and fewer are answered."""
    figure = new_figure(5.2, 3.4)
    axes = figure.subplots()
    x, y = _thinned(evaluation.curves["risk_coverage"], evaluation.curves["risk_error"])
    axes.plot(x, y, color=MODEL, lw=1.6, label="those nearest to the threshold left out first")
    if evaluation.band:
        answered, error = evaluation.band["answered"].value, evaluation.band["error_answered"].value
        if answered is not None and error is not None:
            axes.plot(answered, error, "o", color=POINT, ms=6, label="indeterminate band")
    axes.set(xlim=(0, 1.01), ylim=(0, max(0.05, float(np.max(y)) * 1.35)))  # room for the legend
    quieten(axes, "share of cases that are answered", "error among them")
    explain(axes, "upper left")
    return finish(figure, stamp, "error among the answered cases against the share that is answered")
