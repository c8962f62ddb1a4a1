"""The simpler candidate stays unless a dearer one is surely better."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medres.evaluation.selection import Candidate, compare_tables, select


def table(truth, names, strength, seed):
    random = np.random.default_rng(seed)
    raw = random.random((len(truth), len(names))) + strength * np.array([[n == t for n in names] for t in truth])
    return raw / raw.sum(1, keepdims=True)


TRUTH = ["a", "b"] * 100
NAMES = ("a", "b")
PATIENTS = [f"p{n // 2}" for n in range(200)]


def test_a_surely_better_candidate_replaces_the_simpler_one():
    weak, strong = table(TRUTH, NAMES, 0.2, 0), table(TRUTH, NAMES, 1.5, 1)
    found = select([Candidate("dear", 9, strong), Candidate("plain", 1, weak)], TRUTH, NAMES, "b", PATIENTS)
    assert found.winner == 0
    assert found.steps[0].replaced
    assert found.steps[0].difference.lower > 0
    assert "Obuchowski" in found.steps[0].difference.method


def test_a_candidate_that_may_be_no_better_does_not_replace_the_simpler_one():
    one = table(TRUTH, NAMES, 0.5, 0)
    score = np.clip(one[:, 1] + np.random.default_rng(1).normal(0, 0.02, len(TRUTH)), 0, 1)
    slightly = np.stack([1 - score, score], axis=1)
    found = select([Candidate("plain", 1, one), Candidate("dear", 2, slightly)], TRUTH, NAMES, "b", PATIENTS)
    assert found.winner == 0
    assert found.estimates[0].value == pytest.approx(roc_auc_score(np.array(TRUTH) == "b", one[:, 1]))


def test_three_classes_are_compared_by_macro_auroc_with_a_paired_bootstrap_by_patient():
    truth, names = ["a", "b", "c"] * 40, ("a", "b", "c")
    patients = [f"p{n // 3}" for n in range(120)]
    weak, strong = table(truth, names, 0.2, 0), table(truth, names, 1.5, 1)
    found = compare_tables(truth, strong, weak, names, "c", patients, resamples=100)
    assert found.difference > 0
    assert 0 < found.lower < found.difference < found.upper
    wider = compare_tables(truth, strong, weak, names, "c", patients, resamples=100, level=0.99)
    assert (wider.lower < found.lower, wider.level) == (True, 0.99)
    same = compare_tables(truth, weak, weak, names, "c", patients, resamples=20)
    assert (same.difference, same.lower, same.upper) == (0.0, 0.0, 0.0)
