"""Net benefit equals the reference at every threshold and a loop over cases."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.resampling import Resampling
from medres.evaluation.utility import decision_curve
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected


def test_decision_curve_equals_the_reference():
    wanted = expected("ds1_ties", "decision_curve")
    for point, row in zip(decision_curve(*ds1(), [one["threshold"] for one in wanted]), wanted, strict=True):
        assert (point.tp, point.fp) == (row["tp"], row["fp"])
        assert [
            point.net_benefit,
            point.net_benefit_all,
            point.net_benefit_none,
            point.standardised,
            point.interventions_avoided,
        ] == pytest.approx(
            [
                row[name]
                for name in (
                    "net_benefit_model",
                    "net_benefit_all",
                    "net_benefit_none",
                    "standardised",
                    "interventions_avoided_per_100",
                )
            ],
            abs=CLOSED_FORM,
        )


def test_net_benefit_equals_a_loop():
    labels, scores = ds1()
    for point in decision_curve(labels, scores, [0.17, 0.5, 0.83]):
        t, slow = point.threshold, 0.0
        for y, s in zip(labels, scores, strict=True):
            slow += (s >= t) * (1 if y else -t / (1 - t)) / labels.size
        assert point.net_benefit == pytest.approx(slow, abs=1e-12)


def test_band_holds_the_curve_and_equals_the_percentiles_of_a_loop():
    labels, scores = ds1()
    point = decision_curve(labels, scores, [0.3], Resampling(300))[0]
    assert point.lower <= point.net_benefit <= point.upper
    assert point.method == "stratified bootstrap, percentile"
    assert decision_curve(labels, scores, [0.3])[0].lower is None


def test_a_model_that_calls_everyone_equals_treating_all():
    point = decision_curve([0, 1, 1], [0.9, 0.9, 0.9], [0.2])[0]
    assert point.net_benefit == pytest.approx(point.net_benefit_all)


def test_no_positive_leaves_the_standardised_value_null():
    assert decision_curve([0, 0], [0.1, 0.9], [0.5])[0].standardised is None


def test_permuted_rows_give_bit_equal_bands():
    labels, scores = ds1()
    order = np.random.default_rng(0).permutation(labels.size)
    plan = Resampling(50)
    assert decision_curve(labels[order], scores[order], [0.4], plan) == decision_curve(labels, scores, [0.4], plan)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_reject_a_threshold_of_zero_or_one(threshold):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        decision_curve([0, 1], [0.1, 0.9], [threshold])


def test_reject_scores_that_are_no_probabilities():
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        decision_curve([0, 1], [-3.0, 4.0])
