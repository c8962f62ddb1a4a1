"""Counts and rates at a threshold equal R's epiR and a loop over cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from medres.errors import EvaluationError
from medres.evaluation.confusion import Confusion, agreement_scores, count, likelihood_ratios, rates
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected


def slow_count(labels, scores, threshold) -> Confusion:
    kinds = {"tp": 0, "fp": 0, "fn": 0, "tn": 0}
    for label, score in zip(labels, scores, strict=True):
        kinds[("t" if (score >= threshold) == (label == 1) else "f") + ("p" if score >= threshold else "n")] += 1
    return Confusion(**kinds)


def test_counts_at_one_half_equal_r():
    wanted = expected("ds1_ties", "operating_point_0.5")
    assert count(*ds1(), 0.5) == Confusion(*(wanted[name] for name in ("tp", "fp", "fn", "tn")))


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence"])
def test_rates_equal_r_with_x_and_n(name):
    wanted = expected("ds1_ties", "operating_point_0.5", name)
    counts = count(*ds1(), 0.5)
    wilson, exact = rates(counts)[name], rates(counts, "clopper-pearson")[name]
    assert (wilson.x, wilson.n) == (wanted["x"], wanted["n"])
    assert [wilson.value, wilson.lower, wilson.upper] == pytest.approx(
        [wanted["estimate"], *wanted["wilson"]], abs=CLOSED_FORM
    )
    assert [exact.lower, exact.upper] == pytest.approx(wanted["clopper_pearson"], abs=CLOSED_FORM)


@pytest.mark.parametrize(("name", "key"), [("lr_positive", "lr_pos"), ("lr_negative", "lr_neg"), ("dor", "dor")])
def test_likelihood_ratios_equal_epir(name, key):
    wanted = expected("ds1_ties", "operating_point_0.5", key)
    found = likelihood_ratios(count(*ds1(), 0.5))[name]
    assert [found.value, found.lower, found.upper] == pytest.approx(
        [wanted["estimate"], *wanted["ci95"]], abs=CLOSED_FORM
    )


@pytest.mark.parametrize("name", ["balanced_accuracy", "youden_j", "f1", "mcc", "cohen_kappa"])
def test_agreement_scores_equal_r(name):
    wanted = expected("ds1_ties", "operating_point_0.5", name)
    assert agreement_scores(count(*ds1(), 0.5))[name].value == pytest.approx(wanted, abs=CLOSED_FORM)


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_scores_equal_loops_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 50), np.round(rng.random(50), 1)
    counts = count(labels, scores, 0.4)
    assert counts == slow_count(labels, scores, 0.4)
    found, called = agreement_scores(counts), scores >= 0.4
    assert found["mcc"].value == pytest.approx(metrics.matthews_corrcoef(labels, called), abs=1e-12)
    assert found["f1"].value == pytest.approx(metrics.f1_score(labels, called), abs=1e-12)
    assert found["cohen_kappa"].value == pytest.approx(metrics.cohen_kappa_score(labels, called), abs=1e-12)


def test_score_equal_to_the_threshold_is_positive():
    assert count([1, 0], [0.5, 0.5], 0.5) == Confusion(tp=1, fp=1, fn=0, tn=0)


def test_an_empty_cell_leaves_the_ratios_null_with_a_reason():
    found = likelihood_ratios(Confusion(5, 0, 1, 4))
    assert all(one.value is None and "is 0" in one.reason for one in found.values())


def test_nothing_called_positive_leaves_ppv_null_and_not_zero():
    found = rates(Confusion(0, 0, 3, 4))
    assert found["ppv"].value is None
    assert found["sensitivity"].value == 0
    assert agreement_scores(Confusion(0, 0, 3, 4))["mcc"].value is None


def test_reject_a_threshold_that_is_no_number():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        count([0, 1], [0.1, 0.2], float("nan"))
