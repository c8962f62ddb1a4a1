"""Numbers of a training or a validation -> plots with the disclaimer on them.

Knows no scan, no network and no file.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from medres.results.disclaimer import DISCLAIMER, Stamp

NEGATIVE_COLOUR, POSITIVE_COLOUR = "#6b7a8f", "#c2410c"


def training_curves(history: Mapping[str, Sequence[float]], stamp: Stamp) -> bytes:
    """Draw how loss and validation AUROC went, epoch by epoch.

    Args:
        history: by name, one value for each epoch; names that hold "loss" share one axis, all others (in [0, 1])
            another. NaN leaves a gap.
        stamp: model, version and day.

    Returns:
        A PNG file's bytes.
    """
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    losses, others = figure.subplots(1, 2)
    for name, values in history.items():
        axes = losses if "loss" in name else others
        axes.plot(np.arange(1, len(values) + 1), values, marker=".", label=name.replace("_", " "))
    losses.set(xlabel="epoch", ylabel="loss (lower is better)")
    others.set(xlabel="epoch", ylabel="higher is better", ylim=(0, 1.02))
    for axes in (losses, others):
        if axes.lines:
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
