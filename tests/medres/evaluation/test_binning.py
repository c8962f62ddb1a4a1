"""Reliability bins, ECE and loess error equal the reference; conventions are fixed by tests."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.binning import NO_LOESS, bin_by_mass, bin_by_width, expected_error, loess_error, reliability
from tests.medres.evaluation.reference import CLOSED_FORM, FIT, ds1, expected


def slow_ece(labels, scores, numbers) -> float:
    total = 0.0
    for k in set(numbers):
        inside = [(y, s) for y, s, b in zip(labels, scores, numbers, strict=True) if b == k]
        total += abs(sum(y for y, _ in inside) - sum(s for _, s in inside)) / len(labels)
    return total


@pytest.mark.parametrize("by", ["width", "mass"])
def test_ece_and_its_table_equal_the_reference(by):
    wanted = expected("ds1_ties", "calibration", f"ece_equal_{by}_10")
    found = expected_error(*ds1(), by)
    assert found["ece"].value == pytest.approx(wanted["ece"], abs=CLOSED_FORM)
    assert found["mce"].value == pytest.approx(wanted["mce"], abs=CLOSED_FORM)
    for one, row in zip(reliability(*ds1(), by), wanted["table"], strict=True):
        assert (one.number, one.n) == (row["bin"], row["n"])
        assert [one.mean_predicted, one.observed] == pytest.approx([row["mean_pred"], row["obs"]], abs=CLOSED_FORM)


@pytest.mark.parametrize("by", ["width", "mass"])
def test_ece_equals_a_loop(by):
    rng = np.random.default_rng(1)
    scores = rng.random(137)
    labels = (rng.random(137) < scores).astype(int)
    numbers = (bin_by_width if by == "width" else bin_by_mass)(scores)
    assert expected_error(labels, scores, by)["ece"].value == pytest.approx(
        slow_ece(labels, scores, list(numbers)), abs=1e-12
    )


def test_loess_error_equals_r_with_its_defaults():
    found, wanted = loess_error(*ds1()), expected("ds1_ties", "calibration")
    assert found["ici"].value == pytest.approx(wanted["ici_loess_default_span"], abs=FIT)
    assert found["e50"].value == pytest.approx(wanted["e50_loess"], abs=FIT)
    assert found["e90"].value == pytest.approx(wanted["e90_loess"], abs=FIT)


def test_bins_are_open_below_and_closed_above_and_zero_is_in_the_first():
    assert list(bin_by_width(np.array([0, 0.1, 0.3, 0.30001, 0.7, 1]))) == [0, 0, 2, 3, 6, 9]


def test_bins_of_mass_differ_by_one_case_at_most():
    counts = np.bincount(bin_by_mass(np.random.default_rng(0).random(103)))
    assert counts.max() - counts.min() <= 1


def test_ece_carries_no_interval_and_says_when_ties_lie_across_bins():
    found = expected_error(*ds1(), "mass")["ece"]
    assert (found.lower, found.upper) == (None, None)
    assert "tied" in found.note
    assert expected_error(*ds1(), "width")["ece"].note == ""


def test_a_perfectly_calibrated_table_has_no_error():
    labels = [0, 0, 0, 1, 0, 1, 1, 1]
    scores = [0.25] * 4 + [0.75] * 4
    assert expected_error(labels, scores)["ece"].value == pytest.approx(0, abs=1e-12)


def test_few_distinct_scores_have_no_loess_and_say_so():
    assert loess_error([0, 1, 0, 1], [0.5] * 4)["ici"].reason == NO_LOESS
    assert loess_error([1], [0.5])["ici"].reason == NO_LOESS


def test_four_distinct_scores_have_the_value_of_r_and_a_note():
    levels, n = [0.1, 0.3, 0.5, 0.7], 40
    scores = np.repeat(levels, n // 4)
    labels = np.tile([1, 0, 0, 0, 1], 8)
    gaps = [abs(labels[scores == level].mean() - level) for level in levels]  # R: loess meets the mean of each level
    found = loess_error(labels, scores)
    assert found["ici"].value == pytest.approx(np.mean(gaps), abs=FIT)
    assert "near singular" in found["ici"].note


def test_reject_unknown_bins_and_scores_that_are_no_probabilities():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        reliability([0, 1], [0.1, 0.2], "size")
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        expected_error([0, 1], [-0.1, 0.2])
