"""Operating points: observed scores, R's targets, and never on test data."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.confusion import count
from medres.evaluation.operating_point import choose
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected


def slow_points(labels, scores):
    found = []
    for threshold in sorted(set(scores)):
        counts = count(labels, scores, threshold)
        found.append((threshold, counts.tp / counts.n_positive, counts.tn / counts.n_negative))
    return found


def test_youden_is_the_observed_score_behind_the_midpoint_of_proc():
    chosen = choose(*ds1(), "youden", chosen_on="digest")
    best = expected("ds1_ties", "best")
    assert chosen.threshold == best["youden_smallest_observed_positive_score"]
    assert chosen.sensitivity == pytest.approx(best["youden_pROC_midpoint"][0]["sensitivity"], abs=CLOSED_FORM)
    assert chosen.specificity == pytest.approx(best["youden_pROC_midpoint"][0]["specificity"], abs=CLOSED_FORM)
    assert (chosen.chosen_on, chosen.n, chosen.n_positive) == ("digest", 40, 17)


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("kind", ["sensitivity", "specificity"])
def test_targets_are_met_at_the_attainable_point_of_the_reference(kind, row):
    wanted = expected("ds1_ties", "fixed", f"at_{kind}")[row]
    chosen = choose(*ds1(), f"{kind}>={wanted[f'min_{kind}']}")
    assert [chosen.threshold, chosen.sensitivity, chosen.specificity] == pytest.approx(
        [wanted["threshold"], wanted["sensitivity"], wanted["specificity"]], abs=CLOSED_FORM
    )


@pytest.mark.parametrize("seed", range(5))
def test_choosers_agree_with_trying_every_score(seed):
    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, 58), [0, 1])
    scores = np.round(rng.normal(labels * 0.8, 1), 1)
    points = slow_points(labels, scores)
    youden = max(points, key=lambda point: (round(point[1] + point[2], 12), -point[0]))
    assert choose(labels, scores, "youden").threshold == youden[0]
    sensitive = max(point for point in points if point[1] >= 0.8)
    assert choose(labels, scores, "sensitivity>=0.8").threshold == sensitive[0]
    specific = max((point for point in points if point[2] >= 0.6), key=lambda point: (point[1], -point[0]))
    assert choose(labels, scores, "specificity >= 0.6").threshold == specific[0]
    prevalence = labels.mean()
    costs = {point[0]: prevalence * (1 - point[1]) * 5 + (1 - prevalence) * (1 - point[2]) for point in points}
    assert costs[choose(labels, scores, "cost(fn=5,fp=1)").threshold] == pytest.approx(min(costs.values()), abs=1e-12)


def test_every_chosen_threshold_is_an_observed_score():
    labels, scores = ds1()
    for rule in ("youden", "sensitivity>=0.9", "specificity>=0.9", "cost(fn=2,fp=1,prevalence=0.1)"):
        assert choose(labels, scores, rule).threshold in set(scores)


@pytest.mark.parametrize("part", ["test", "Test", "held-out", "external"])
def test_reject_choosing_on_a_test_set(part):
    with pytest.raises(EvaluationError, match="E_EVAL_TEST_THRESHOLD"):
        choose(*ds1(), part=part)


def test_reject_choosing_where_a_patient_is_shared_with_the_test_set():
    with pytest.raises(EvaluationError, match="got 2 in both"):
        choose(*ds1(), shared_patients=2)


def test_reject_one_class():
    with pytest.raises(EvaluationError, match="E_EVAL_ONE_CLASS"):
        choose([1, 1], [0.2, 0.4])


@pytest.mark.parametrize(
    "rule",
    [
        "best",
        "sensitivity>=2",
        "sensitivity>=x",
        "cost(fn=1)",
        "cost(fn=1,fp=-1)",
        "cost(fn=nan,fp=1)",
        "cost(fn=1,fp=1,prevalence=1)",
    ],
)
def test_reject_a_rule_that_cannot_be_read(rule):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        choose(*ds1(), rule)


def test_reject_a_specificity_that_no_observed_score_reaches():
    with pytest.raises(EvaluationError, match=r"at most 0\.5"):
        choose([0, 0, 1], [0.1, 0.9, 0.5], "specificity>=0.9")
