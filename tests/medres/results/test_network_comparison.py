"""The answer follows from the interval of the paired difference, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medres.evaluation.comparison import Difference, shared_level
from medres.evaluation.estimate import Estimate
from medres.models.cost import NetworkCost
from medres.results.disclaimer import Stamp
from medres.results.network_comparison import COLUMNS, ComparedNetwork, comparison_rows, cost_plot, verdict


def network(name: str, gflops: float, gap: tuple[float, float, float] | None = None) -> ComparedNetwork:
    found = None
    if gap is not None:
        found = Difference(0.8 + gap[0], 0.8, *gap, 1.0, 0.3, "DeLong, paired", 200, 80)
    value = 0.8 + (gap[0] if gap else 0.0)
    auroc = Estimate(value=value, lower=value - 0.05, upper=value + 0.05, method="DeLong", n=200, n_positive=80)
    return ComparedNetwork(name, NetworkCost(11_000_000, gflops, 20.0, "cpu", 1), 500_000_000, 120.0, auroc, found)


@pytest.mark.parametrize(
    ("gap", "answer"),
    [
        ((0.03, 0.01, 0.05), "it pays here."),
        ((-0.03, -0.05, -0.01), "it is worse here."),
        ((0.01, -0.02, 0.04), "no gain that these 200 scans can show; a gain above 0.040 is unlikely."),
    ],
)
def test_answers_follow_from_the_interval(gap, answer):
    (found,) = verdict([network("a", 1.0), network("b", 2.5, gap)])
    assert found.startswith("b computes 2.5 times as much as a")
    assert found.endswith(answer)


def test_the_level_is_shared_out_over_the_comparisons_and_said():
    one = network("b", 2.0, (0.03, 0.01, 0.05))
    gap = replace(one.difference, level=shared_level(2))
    (found,) = verdict([network("a", 1.0), replace(one, difference=gap)])
    assert "(97.5 % interval +0.010 to +0.050, paired)" in found


def test_without_an_interval_there_is_no_answer():
    unclear = Difference(None, None, None, None, None, None, None, "DeLong", 5, 0, reason="one class only")
    one = network("b", 2.0)
    (found,) = verdict([network("a", 1.0), ComparedNetwork("b", one.cost, 1, 1.0, one.auroc, unclear)])
    assert "cannot be compared (one class only)" in found


def test_rows_have_a_cell_for_each_column_and_the_first_has_no_difference():
    rows = comparison_rows([network("a", 1.0), network("b", 2.0, (0.01, -0.02, 0.04))])
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert rows[0][COLUMNS.index("difference")] == ""
    assert rows[1][COLUMNS.index("difference")] == "0.0100"
    assert rows[1][COLUMNS.index("difference_level")] == "0.9500"


def test_the_plot_is_a_png():
    assert cost_plot([network("a", 1.0), network("b", 2.0)], Stamp("e", "1")).startswith(b"\x89PNG")
