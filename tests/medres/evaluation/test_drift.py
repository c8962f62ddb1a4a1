"""Drift: silent on the same population, loud on an injected shift, and PSI equals its definition."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.drift import (
    compare_column,
    compare_rate,
    compare_windows,
    population_stability,
    psi_by_chance,
)


def slow_psi(old, new, bins=10) -> float:
    edges = np.quantile(old, [k / bins for k in range(1, bins)])
    total = 0.0
    for k in range(bins):
        low, high = (-np.inf if k == 0 else edges[k - 1]), (np.inf if k == bins - 1 else edges[k])
        p, q = (max(sum(low < value <= high for value in values), 0.5) / len(values) for values in (old, new))
        total += (q - p) * np.log(q / p)
    return total


def test_psi_equals_its_definition():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=300), rng.normal(0.4, 1.2, 200)
    assert population_stability(old, new) == pytest.approx(slow_psi(list(old), list(new)), abs=1e-12)


def test_bins_that_are_empty_in_both_windows_add_nothing():
    old, new = [0.0] * 60 + [1.0] * 40, [0.0] * 12 + [1.0] * 8
    assert population_stability(old, new) == pytest.approx(0.0, abs=1e-12)
    kinds = [0.0] * 10 + [1.0] * 10
    share, new_share = np.array([0.6, 0.4]), np.array([0.5, 0.5])
    wanted = np.sum((new_share - share) * np.log(new_share / share))
    assert population_stability(old, kinds) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("moved", [-1.0, 1.0])
def test_a_move_away_from_a_value_that_most_cases_share_raises_the_alert(moved):
    constant = np.full(100, 3.0)
    assert compare_column("thickness", constant, constant + moved).alert
    mostly = np.append(constant[5:], np.full(5, 3.0 + moved))
    assert compare_column("thickness", mostly, np.repeat([3.0, 3.0 + moved], 30)).alert
    assert not compare_column("thickness", mostly, mostly[40:]).alert


def test_same_window_twice_has_no_drift():
    values = np.random.default_rng(0).normal(size=100)
    found = compare_column("score", values, values)
    assert (found.psi, found.ks, found.p, found.alert) == (0.0, 0.0, 1.0, False)


def test_false_alerts_are_rare_in_one_population():
    rng = np.random.default_rng(1)
    alerts = [compare_column("score", rng.random(400), rng.random(60)).alert for _ in range(300)]
    assert np.mean(alerts) <= 0.02


def test_chance_is_exceeded_as_often_as_it_says():
    rng = np.random.default_rng(2)
    limit = psi_by_chance(500, 500, 0.05)
    over = np.mean([population_stability(rng.random(500), rng.random(500)) > limit for _ in range(400)])
    assert 0.02 < over < 0.09


@pytest.mark.parametrize("shift", [0.8, -0.8])
def test_an_injected_shift_of_scores_raises_the_alert(shift):
    rng = np.random.default_rng(3)
    alerts = [compare_column("score", rng.normal(size=500), rng.normal(shift, 1, 150)).alert for _ in range(30)]
    assert np.mean(alerts) == 1.0


def test_an_injected_rise_of_failures_raises_the_alert_and_a_small_change_does_not():
    assert compare_rate("failure rate", (5, 500), (20, 150)).alert
    assert not compare_rate("failure rate", (5, 500), (3, 150)).alert
    assert compare_rate("failure rate", (0, 0), (1, 10)).p is None


def test_many_columns_share_the_level():
    rng = np.random.default_rng(4)
    old = {f"c{k}": rng.normal(size=200) for k in range(20)}
    new = {f"c{k}": rng.normal(size=80) for k in range(20)}
    assert not any(one.alert for one in compare_windows(old, new))
    new["c3"] = rng.normal(1.5, 1, 80)
    assert [one.name for one in compare_windows(old, new) if one.alert] == ["c3"]


def test_few_cases_say_so_instead_of_a_number():
    found = compare_column("score", np.arange(100.0), np.arange(5.0))
    assert (found.psi, found.alert) == (None, False)
    assert found.reason == "fewer than 20 cases in a window"


def test_reject_an_empty_window_and_scores_that_are_no_numbers():
    with pytest.raises(EvaluationError, match="E_EVAL_EMPTY"):
        population_stability([], [1.0])
    with pytest.raises(EvaluationError, match="E_EVAL_SCORE"):
        compare_column("score", [float("nan")] * 30, np.arange(30.0))
