"""The indeterminate band keeps its promise on new data, and silence buys fewer errors."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.abstention import (
    choose_band,
    measure_band,
    measure_gate,
    measure_refusals,
    parse_band_rule,
    risk_coverage,
)


def cases(seed: int, n: int = 400):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(labels * 2 - 1, 1)))


def test_conformal_band_keeps_both_error_rates_on_new_data():
    below, above = [], []
    for seed in range(60):
        labels, scores = cases(seed, 150)
        band = choose_band(labels, scores, 0.5, "conformal:0.1")
        new, p = cases(1000 + seed)
        below.append(np.mean(p[new == 1] < band.lower))
        above.append(np.mean(p[new == 0] >= band.upper))
    assert np.mean(below) <= 0.105
    assert np.mean(above) <= 0.105


def test_error_rule_reaches_its_error_on_the_validation_data_with_few_left_out():
    labels, scores = cases(0)
    band = choose_band(labels, scores, 0.5, "error<=0.05")
    assert band.error <= 0.05
    looser = choose_band(labels, scores, 0.5, "error<=0.1")
    assert looser.coverage > band.coverage


def test_a_perfect_model_leaves_nothing_out():
    band = choose_band([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.8, "error<=0.05")
    assert (band.lower, band.upper, band.coverage, band.error) == (0.8, 0.8, 1.0, 0.0)


def test_the_band_always_lies_around_the_operating_point():
    labels, scores = cases(1)
    for rule in ("conformal:0.05", "conformal:0.4", "error<=0.1"):
        band = choose_band(labels, scores, 0.37, rule)
        assert band.lower <= 0.37 <= band.upper


def test_too_few_cases_for_a_promise_leave_everything_of_that_side_out():
    band = choose_band([0, 1, 0, 1], [0.2, 0.6, 0.7, 0.9], 0.6, "conformal:0.05")
    assert band.coverage == 0.0
    assert band.error is None


def test_measured_band_equals_a_loop():
    labels, scores = cases(2, 100)
    found = measure_band(labels, scores, 0.5, (0.4, 0.6))
    answered = [(y, s) for y, s in zip(labels, scores, strict=True) if not 0.4 <= s < 0.6]
    wrong = sum((s >= 0.5) != (y == 1) for y, s in answered)
    assert (found["answered"].x, found["answered"].n) == (len(answered), 100)
    assert (found["error_answered"].x, found["error_answered"].n) == (wrong, len(answered))
    assert found["error_answered"].value < found["error_all"].value


def test_risk_falls_as_the_uncertain_are_left_out_and_ends_at_the_whole_error():
    labels, scores = cases(3)
    curve = risk_coverage(labels, scores, 0.5)
    assert curve["coverage"][-1] == 1.0
    assert curve["error"][-1] == pytest.approx(np.mean((scores >= 0.5) != labels))
    half = curve["error"][np.searchsorted(curve["coverage"], 0.5)]
    assert half < curve["error"][-1]


def test_gate_counts_what_it_lets_in_and_keeps_out():
    found = measure_gate([True, True, False, False], [True, False, False, True])
    assert (found["accepted_in_scope"].x, found["accepted_out_of_scope"].x) == (1, 1)


def test_everything_left_out_has_a_null_error():
    assert measure_band([0, 1], [0.5, 0.5], 0.5, (0.0, 1.0))["error_answered"].value is None


@pytest.mark.parametrize("rule", ["wide", "conformal:0", "conformal:x", "error<=2"])
def test_reject_a_rule_that_cannot_be_read(rule):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        choose_band([0, 1], [0.2, 0.7], 0.5, rule)


def test_reject_choosing_on_a_test_set():
    with pytest.raises(EvaluationError, match="E_EVAL_TEST_THRESHOLD"):
        choose_band([0, 1], [0.2, 0.7], 0.5, part="test")


@pytest.mark.parametrize("rule", ["error<=e", "error<=2", "conformal", "conformal:-0.1"])
def test_reject_a_rule_before_any_score_is_there(rule):
    with pytest.raises(EvaluationError, match="E_EVAL_"):
        parse_band_rule(rule)


def test_refusals_by_class_add_up_to_all():
    classes = ["a", "b", "b", "c", "a", "b"]
    found = measure_refusals(classes, [True, False, True, False, False, True], unit="patient")
    assert (found["out_of_scope"].x, found["out_of_scope"].n) == (3, 6)
    assert {name: (found[f"out_of_scope where {name}"].x, found[f"out_of_scope where {name}"].n) for name in "abc"} == {
        "a": (1, 2), "b": (2, 3), "c": (0, 1)
    }  # fmt: skip
    assert found["accepted_in_scope"].value == pytest.approx(1 - found["out_of_scope"].value)
    assert {one.unit for one in found.values()} == {"patient"}
