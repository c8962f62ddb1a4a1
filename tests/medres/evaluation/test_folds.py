"""Out-of-fold scores are measured pooled and fold by fold, by patient."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.folds import measure_auroc, summarise_folds


def scores(n: int = 60, classes: int = 2):
    random = np.random.default_rng(0)
    names = ("a", "b", "c")[:classes]
    truth = [names[k] for k in random.integers(0, classes, n)]
    raw = random.random((n, classes)) + np.array([[name == label for name in names] for label in truth])
    return truth, raw / raw.sum(1, keepdims=True), names, [f"p{k // 2}" for k in range(n)]


def test_pooled_and_fold_values_are_those_of_scikit_learn():
    truth, table, names, _ = scores()
    folds = [str(k % 3) for k in range(len(truth))]
    found = summarise_folds(truth, table, names, "b", folds)
    labels = np.array(truth) == "b"
    assert found.pooled.value == pytest.approx(roc_auc_score(labels, table[:, 1]))
    for fold, one in found.folds.items():
        chosen = np.array(folds) == fold
        assert one.value == pytest.approx(roc_auc_score(labels[chosen], table[chosen, 1]))
    assert found.mean == pytest.approx(np.mean([one.value for one in found.folds.values()]))


def test_several_scans_of_a_patient_widen_the_interval_as_obuchowski_says():
    truth, table, names, patients = scores()
    found = measure_auroc(truth, table, names, "b", patients)
    wanted = auroc_clustered((np.array(truth) == "b").astype(int), table[:, 1], patients)
    assert (found.lower, found.upper) == (wanted.lower, wanted.upper)


def test_three_classes_are_measured_by_macro_auroc_with_a_bootstrap_over_patients():
    truth, table, names, patients = scores(90, 3)
    found = summarise_folds(truth, table, names, "c", ["0"] * 45 + ["1"] * 45, patients)
    assert found.metric == "macro_auroc"
    each = [roc_auc_score(np.array(truth) == name, table[:, k]) for k, name in enumerate(names)]
    assert found.pooled.value == pytest.approx(np.mean(each))
    assert found.pooled.lower < found.pooled.value < found.pooled.upper
    assert "patient" in found.pooled.method


def test_a_fold_with_one_class_has_no_number_and_the_mean_has_none():
    found = summarise_folds(["a", "b", "a"], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], ("a", "b"), "b", ["0", "0", "1"])
    assert found.folds["1"].value is None
    assert found.folds["1"].reason
    assert found.mean is None
