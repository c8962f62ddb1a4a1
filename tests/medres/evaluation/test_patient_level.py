"""Scans pooled into patients by a stated rule, as the reference pools them."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.confusion import count
from medres.evaluation.discrimination import auroc
from medres.evaluation.patient_level import RULES, pool_by_patient
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def ds4():
    rows = table("ds4_clustered.csv")
    return rows["label"].to_numpy(), rows["score"].to_numpy(), rows["patient"].to_numpy()


@pytest.mark.parametrize(
    ("rule", "key"), [("max", "patient_max"), ("mean", "patient_mean"), ("noisy-or", "patient_noisy_or")]
)
def test_patient_areas_equal_the_reference(rule, key):
    pooled = pool_by_patient(*ds4(), rule)
    wanted = expected("ds4_clustered", key)
    plain, logit = auroc(pooled.labels, pooled.scores, method="delong"), auroc(pooled.labels, pooled.scores)
    assert [plain.value, plain.lower, plain.upper] == pytest.approx(
        [wanted["auc"], *wanted["ci95_delong"]], abs=CLOSED_FORM
    )
    assert [logit.lower, logit.upper] == pytest.approx(wanted["ci95_delong_logit"], abs=CLOSED_FORM)
    assert (plain.n, plain.n_positive) == (80, wanted["n_pos"])


def test_counts_at_one_half_equal_the_reference():
    pooled = pool_by_patient(*ds4(), "max")
    wanted = expected("ds4_clustered", "op_patient_max_0.5")
    counts = count(pooled.labels, pooled.scores, 0.5)
    assert [counts.tp, counts.fp, counts.fn, counts.tn] == [wanted[name] for name in ("tp", "fp", "fn", "tn")]


@pytest.mark.parametrize("rule", RULES)
def test_pooling_equals_a_loop_over_patients(rule):
    labels, scores, patients = ds4()
    slow = {"max": max, "mean": lambda p: sum(p) / len(p), "noisy-or": lambda p: 1 - np.prod([1 - one for one in p])}[
        rule
    ]
    pooled = pool_by_patient(labels, scores, patients, rule)
    for name, label, score in zip(pooled.patients, pooled.labels, pooled.scores, strict=True):
        own = patients == name
        assert label == labels[own].any()
        assert score == pytest.approx(slow(list(scores[own])), abs=1e-12)


@pytest.mark.parametrize("rule", ["max", "mean"])
def test_doubling_every_scan_leaves_patient_level_intervals_bit_equal(rule):
    labels, scores, patients = ds4()
    once = pool_by_patient(labels, scores, patients, rule)
    twice = pool_by_patient(np.repeat(labels, 2), np.repeat(scores, 2), np.repeat(patients, 2), rule)
    assert auroc(once.labels, once.scores) == auroc(twice.labels, twice.scores)


def test_permuted_scans_give_bit_equal_scores():
    labels, scores, patients = ds4()
    order = np.random.default_rng(0).permutation(labels.size)
    for rule in RULES:
        assert (
            pool_by_patient(labels[order], scores[order], patients[order], rule).scores
            == pool_by_patient(labels, scores, patients, rule).scores
        ).all()


def test_reject_an_unknown_rule_and_noisy_or_of_logits():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        pool_by_patient([1], [0.2], ["a"], "median")
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        pool_by_patient([1], [2.0], ["a"], "noisy-or")
