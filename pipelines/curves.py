"""A training's history -> one PNG with its curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PANELS = {
    "loss": ("train_loss", "validation_loss"),
    "AUROC": ("validation_auroc",),
    "gradient norm": ("gradient_norm",),
    "learning rate of the head": ("learning_rate",),
}


def draw_curves(history: bytes, path: Path, title: str, panels: Mapping[str, Sequence[str]] = PANELS) -> None:
    """Draw loss, validation AUROC with its interval, gradient norm and learning rate over epochs.

    Args:
        history: `history.csv` of a TrainedModel.
        path: PNG to write.
        title: of the picture.
        panels: name of each panel -> columns that it shows.
    """
    rows = [{"gradient_norm": "nan"} | row for row in csv.DictReader(io.StringIO(history.decode()))]
    figure = Figure(figsize=(15, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}: history (no test result)", fontsize=10)
    epochs = [float(row["epoch"]) for row in rows]
    for axes, (name, columns) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for column in columns:
            axes.plot(epochs, [float(row[column]) for row in rows], label=column.replace("_", " "))
        if name == "AUROC" and "validation_auroc_lower" in rows[0]:
            ends = ([float(row[f"validation_auroc_{end}"]) for row in rows] for end in ("lower", "upper"))
            axes.fill_between(epochs, *ends, alpha=0.2)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        if len(columns) > 1:
            axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
