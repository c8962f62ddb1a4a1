"""Several classes: every number equals the reference and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from medres.errors import EvaluationError
from medres.evaluation.multiclass import (
    average_auroc,
    check_multiclass,
    confusion_matrix,
    measure_averages,
    measure_decisions,
    measure_probabilities,
    one_vs_rest,
)
from medres.evaluation.resampling import Resampling
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def ds3():
    rows, names = table("ds3_multiclass.csv"), expected("ds3_multiclass", "classes")
    return check_multiclass(rows["label"].to_numpy(), rows[[f"score_{name}" for name in names]].to_numpy(), names)


@pytest.mark.parametrize("name", ["none", "glioma", "meningioma", "pituitary"])
def test_one_vs_rest_equals_proc(name):
    wanted, found = expected("ds3_multiclass", "one_vs_rest", name), one_vs_rest(ds3())[name]
    assert found["auroc"].value == pytest.approx(wanted["auc"], abs=CLOSED_FORM)
    assert [found["auroc"].lower, found["auroc"].upper] == pytest.approx(wanted["ci95_delong_logit"], abs=CLOSED_FORM)
    assert [found["auroc_delong"].lower, found["auroc_delong"].upper] == pytest.approx(
        wanted["ci95_delong"], abs=CLOSED_FORM
    )


def test_averages_equal_the_reference_and_scikit_learn():
    cases, wanted = ds3(), expected("ds3_multiclass")
    found = average_auroc(cases)
    assert found["macro_auroc"] == pytest.approx(wanted["macro_auc_ovr"], abs=CLOSED_FORM)
    assert found["weighted_auroc"] == pytest.approx(wanted["weighted_auc_ovr"], abs=CLOSED_FORM)
    assert found["hand_till_auroc"] == pytest.approx(wanted["macro_auc_ovo_hand_till"], abs=CLOSED_FORM)
    p = cases.probabilities / cases.probabilities.sum(axis=1, keepdims=True)
    slow = metrics.roc_auc_score(cases.truth, p, multi_class="ovo", average="macro")
    assert found["hand_till_auroc"] == pytest.approx(slow, abs=1e-4)


def test_decisions_equal_the_reference():
    cases, wanted = ds3(), expected("ds3_multiclass")
    found = measure_decisions(cases)
    assert confusion_matrix(cases).tolist() == wanted["confusion_rows_truth_cols_pred"]
    assert [found["accuracy"].lower, found["accuracy"].upper] == pytest.approx(
        wanted["accuracy"]["wilson"], abs=CLOSED_FORM
    )
    for name in ("balanced_accuracy", "cohen_kappa", "mcc", "macro_f1"):
        assert found[name].value == pytest.approx(wanted[name], abs=CLOSED_FORM)
    for name, row in wanted["per_class"].items():
        one = found["per_class"][name]
        assert [one["precision"].value, one["recall"].value, one["f1"].value] == pytest.approx(row, abs=CLOSED_FORM)


def test_probabilities_equal_the_reference():
    found, wanted = measure_probabilities(ds3()), expected("ds3_multiclass")
    for name, key in [
        ("brier", "brier_multiclass_sum"),
        ("log_loss", "log_loss"),
        ("top_label_ece", "top_label_ece_10"),
        ("classwise_ece", "classwise_ece_10"),
    ]:
        assert found[name].value == pytest.approx(wanted[key], abs=CLOSED_FORM)


def test_averages_have_intervals_that_hold_them_and_do_not_depend_on_the_rows_order():
    cases = ds3()
    found = measure_averages(cases, Resampling(60, 3))
    assert all(one.lower < one.value < one.upper for one in found.values())
    order = np.random.default_rng(0).permutation(cases.truth.size)
    labels = [cases.names[k] for k in cases.truth[order]]
    moved = check_multiclass(labels, cases.probabilities[order], cases.names)
    assert measure_averages(moved, Resampling(60, 3))["macro_auroc"].lower == found["macro_auroc"].lower


def test_two_classes_equal_the_binary_area():
    p = np.array([0.2, 0.7, 0.6, 0.1])
    cases = check_multiclass(["a", "b", "a", "b"], np.column_stack((1 - p, p)), ["a", "b"])
    assert average_auroc(cases)["hand_till_auroc"] == pytest.approx(one_vs_rest(cases)["b"]["auroc"].value)


def test_a_class_without_cases_is_null_with_a_reason():
    cases = check_multiclass(["a", "b"], [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]], ["a", "b", "c"])
    assert "no positive" in one_vs_rest(cases)["c"]["auroc"].reason
    assert measure_averages(cases, Resampling(5))["macro_auroc"].value is None
    assert measure_decisions(cases)["balanced_accuracy"].value is None


def test_probabilities_that_do_not_sum_to_one_have_no_calibration():
    cases = check_multiclass(["a", "b"], [[0.9, 0.9], [0.1, 0.2]], ["a", "b"])
    assert "2 case(s)" in measure_probabilities(cases)["brier"].reason


@pytest.mark.parametrize(
    ("labels", "scores", "code"),
    [
        (["a", "x"], [[0.5, 0.5], [0.5, 0.5]], "E_EVAL_LABEL"),
        (["a"], [[0.5, 0.5], [0.5, 0.5]], "E_EVAL_LENGTH"),
        (["a"], [[0.5, 1.5]], "E_EVAL_RANGE"),
        ([], np.empty((0, 2)), "E_EVAL_EMPTY"),
    ],
)
def test_reject_what_no_class_can_be_made_of(labels, scores, code):
    with pytest.raises(EvaluationError, match=code):
        check_multiclass(labels, scores, ["a", "b"])


def test_scores_that_are_no_probabilities_are_ranked_and_say_why_nothing_more_is_told():
    logits = np.array([[2.0, -1.0, 0.0], [0.5, 1.5, -1.0], [-3.0, 0.2, 1.0], [0.1, 0.9, 0.2]])
    cases = check_multiclass(["a", "b", "c", "b"], logits, ["a", "b", "c"], "any")
    assert one_vs_rest(cases)["c"]["auroc"].value == 1.0
    assert measure_probabilities(cases)["brier"].value is None
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        check_multiclass(["a", "b", "c", "b"], logits, ["a", "b", "c"])
