"""Every finished plot carries the disclaimer."""

from __future__ import annotations

from medres.results.disclaimer import DISCLAIMER, Stamp
from medres.results.evaluation_axes import explain, finish, new_figure, quieten, unit_square


def test_the_disclaimer_and_the_model_stand_below_the_plot():
    figure = new_figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="line")
    unit_square(axes)
    quieten(axes, "x", "y")
    explain(axes)
    plot = finish(figure, Stamp("demo", "2"), "a line")
    assert figure.get_supxlabel() == f"demo 2 · {DISCLAIMER}"
    assert plot.alt == "a line"
