"""Shared looks of an evaluation's plots: colours, quiet axes, and the two files that each becomes.

Knows no number. Every plot carries the disclaimer; the same plot gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medres.results.disclaimer import DISCLAIMER, Stamp

MODEL, BAND, REFERENCE = "#1d4e89", "#b9cfe6", "#8a8f98"
NEGATIVE, POSITIVE = "#6b7a8f", "#c2410c"
POINT, INK, FAINT = "#c2410c", "#1f2933", "#d9dde3"
PNG_DPI = 160


@dataclass(frozen=True)
class Plot:
    """One finished plot.

    Attributes:
        png: bytes of the PNG.
        svg: bytes of the SVG, text as paths so that it looks the same everywhere.
        alt: what it shows, for those who cannot see it.
    """

    png: bytes
    svg: bytes
    alt: str


def new_figure(width: float = 4.8, height: float = 4.4) -> Figure:
    """Open a figure.

    Args:
        width: in inches.
        height: in inches.
    """
    return Figure(figsize=(width, height), layout="constrained")


def quieten(axes: Axes, x: str, y: str) -> None:
    """Take away what is not data, and name the axes."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(REFERENCE)
    axes.tick_params(colors=INK, labelsize=8, width=0.6)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)


def unit_square(axes: Axes) -> None:
    """Show shares from 0 to 1 on both axes, undistorted."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def explain(axes: Axes, place: Any = "lower right") -> None:
    """Put the legend where it covers little."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, loc=place, frameon=True, framealpha=0.85, edgecolor="none", labelcolor=INK)


def finish(figure: Figure, stamp: Stamp, alt: str) -> Plot:
    """Burn the disclaimer in and write both files.

    Args:
        figure: drawn.
        stamp: model and version; a day would make two runs differ, so none is drawn.
        alt: what the plot shows.
    """
    figure.supxlabel(" · ".join(filter(None, (stamp.line, DISCLAIMER))), fontsize=5.6, color=REFERENCE)
    png, svg = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "medres", "svg.fonttype": "path"}):
        FigureCanvasAgg(figure)
        figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
        figure.set_layout_engine("none")  # the layout is found; finding it again would double the time
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Plot(png.getvalue(), svg.getvalue(), alt)
