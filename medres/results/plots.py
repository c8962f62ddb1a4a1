"""Numbers of a training or a validation -> plots with the disclaimer on them.

Knows no scan, no network and no file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from medres.results.disclaimer import DISCLAIMER, Stamp

PANELS = {
    "loss": ("train_loss", "validation_loss"),
    "AUROC": ("validation_auroc",),
    "gradient norm": ("gradient_norm",),
    "learning rate of the head": ("learning_rate",),
}  # of a training
NEGATIVE_COLOUR, POSITIVE_COLOUR = "#6b7a8f", "#c2410c"


def training_curves(history: bytes, stamp: Stamp, panels: Mapping[str, Sequence[str]] = PANELS) -> bytes:
    """Draw a history, epoch by epoch; a column with `_lower` and `_upper` beside it gets a band.

    Args:
        history: `history.csv` of a training or a pretraining: a column `epoch`, and others.
        stamp: model, version and day.
        panels: name of each panel -> columns that it shows; a column that is not there leaves its panel empty.

    Returns:
        A PNG file's bytes.
    """
    rows = list(csv.DictReader(io.StringIO(history.decode())))
    figure = Figure(figsize=(15, 3.4), layout="constrained")
    figure.suptitle(f"{stamp.model_name}: history (no test result)", fontsize=10)
    epochs = [float(row["epoch"]) for row in rows]
    for axes, (name, columns) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for column in columns:
            axes.plot(epochs, _column(rows, column), label=column.replace("_", " "))
            axes.fill_between(epochs, _column(rows, f"{column}_lower"), _column(rows, f"{column}_upper"), alpha=0.2)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if name == "AUROC":  # no axis goes on where no area can lie
            axes.set_ylim(max(-0.01, min(0.49, axes.get_ylim()[0])), 1.01)
        if len(columns) > 1:
            axes.legend(fontsize=8)
    return finish(figure, stamp)


def _column(rows: Sequence[Mapping[str, str]], name: str) -> list[float]:
    """Take one column as numbers; NaN where it is not there."""
    return [float(row.get(name, "nan")) for row in rows]


def learning_rate_sweep(rates: ArrayLike, losses: ArrayLike, chosen: float, stamp: Stamp) -> bytes:
    """Draw loss over learning rate, and the rate that was chosen.

    Args:
        rates: (n,), above 0.
        losses: (n,).
        chosen: one rate.
        stamp: model, version and day.

    Returns:
        A PNG file's bytes.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(rates, losses)
    axes.axvline(chosen, linestyle="--", label=f"chosen: {chosen:.1e}")
    axes.set(xlabel="learning rate", ylabel="training loss, smoothed")
    axes.set_title(f"{stamp.model_name}: sweep of learning rates")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return finish(figure, stamp)


def score_distribution(
    labels: ArrayLike,
    scores: ArrayLike,
    stamp: Stamp,
    *,
    threshold: float | None = None,
    positive_label: str = "positive",
) -> bytes:
    """Draw where the scores of scans with and without the finding lie.

    Args:
        labels: (n,), 1 for the positive label, else 0.
        scores: (n,), probabilities in [0, 1].
        stamp: model, version and day.
        threshold: of the operating point; None draws none.
        positive_label: its name.

    Returns:
        A PNG file's bytes.
    """
    truth, values = np.asarray(labels), np.asarray(scores, float)
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    groups = ((0, f"not {positive_label}", NEGATIVE_COLOUR), (1, positive_label, POSITIVE_COLOUR))
    for label, name, colour in groups:
        chosen = values[truth == label]
        axes.hist(chosen, list(np.linspace(0, 1, 21)), alpha=0.6, color=colour, label=f"{name} (n = {chosen.size})")
    if threshold is not None:
        axes.axvline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.3g}")
    axes.set(xlabel=f"probability of {positive_label}", ylabel="scans", xlim=(0, 1))
    axes.legend(fontsize=8)
    return finish(figure, stamp)


def finish(figure: Figure, stamp: Stamp) -> bytes:
    """Burn the disclaimer in and write PNG without the software's own text chunk.

    Args:
        figure: to be written.
        stamp: model, version and day.

    Returns:
        A PNG file's bytes.
    """
    figure.supxlabel(" · ".join(filter(None, (stamp.line, DISCLAIMER))), fontsize=7, color="#555555")
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()
