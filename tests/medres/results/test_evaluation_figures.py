"""Plots: every one as PNG and SVG, the same bytes each time, the disclaimer burned in."""

from __future__ import annotations

from medres.results.disclaimer import Stamp
from medres.results.evaluation_figures import draw_roc
from tests.medres.results.evaluation_example import example, example_plots

EXPECTED = {
    "scores",
    "roc",
    "precision_recall",
    "reliability",
    "decision_curve",
    "confusion",
    "subgroups",
    "froc",
    "abstention",
}


def test_every_plot_is_a_png_and_an_svg_with_words_for_those_who_cannot_see():
    plots = example_plots()
    assert set(plots) == EXPECTED
    for plot in plots.values():
        assert plot.png.startswith(b"\x89PNG\r\n\x1a\n")
        assert plot.svg.startswith(b"<?xml")
        assert plot.alt


def test_the_same_evaluation_gives_the_same_bytes():
    one, two = (draw_roc(example()[0], Stamp("demo", "1")) for _ in range(2))
    assert one.png == two.png
    assert one.svg == two.svg
