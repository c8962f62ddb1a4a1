"""AUROC equals R's pROC, a slow obvious version, and behaves under transforms that must not matter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.discrimination import auroc, auroc_variance, hanley_mcneil_se, roc_curve
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected, table


def slow_auroc(labels, scores) -> float:
    pairs = [
        1.0 if p > q else 0.5 if p == q else 0.0
        for (yp, p), (yq, q) in itertools.product(zip(labels, scores, strict=True), repeat=2)
        if yp == 1 and yq == 0
    ]
    return sum(pairs) / len(pairs)


def slow_delong_variance(labels, scores) -> float:
    positive = [s for y, s in zip(labels, scores, strict=True) if y == 1]
    negative = [s for y, s in zip(labels, scores, strict=True) if y == 0]
    kernel = [[1.0 if p > q else 0.5 if p == q else 0.0 for q in negative] for p in positive]
    v10 = [sum(row) / len(negative) for row in kernel]
    v01 = [sum(kernel[i][j] for i in range(len(positive))) / len(positive) for j in range(len(negative))]
    mean = sum(v10) / len(v10)
    s10 = sum((v - mean) ** 2 for v in v10) / (len(v10) - 1)
    s01 = sum((v - mean) ** 2 for v in v01) / (len(v01) - 1)
    return s10 / len(v10) + s01 / len(v01)


@pytest.mark.parametrize(("score", "key"), [("score", "auc"), ("score2", "auc_score2")])
def test_auroc_and_delong_equal_proc(score, key):
    labels, scores = ds1(score)
    wanted = expected("ds1_ties", key)
    logit, plain = auroc(labels, scores), auroc(labels, scores, method="delong")
    assert logit.value == pytest.approx(wanted["auc"], abs=CLOSED_FORM)
    assert [logit.lower, logit.upper] == pytest.approx(wanted["ci95_delong_logit"], abs=CLOSED_FORM)
    assert [plain.lower, plain.upper] == pytest.approx(wanted["ci95_delong"], abs=CLOSED_FORM)
    ninety = auroc(labels, scores, method="delong", level=0.9)
    assert [ninety.lower, ninety.upper] == pytest.approx(wanted["ci90_delong"], abs=CLOSED_FORM)
    assert auroc_variance(labels, scores) == pytest.approx(wanted["delong_var"], abs=CLOSED_FORM)
    assert hanley_mcneil_se(logit.value, 17, 23) == pytest.approx(wanted["hanley_mcneil_se"], abs=CLOSED_FORM)


@pytest.mark.parametrize("group", ["F", "M"])
def test_subgroup_intervals_equal_proc_and_are_clipped_at_one(group):
    rows = table("ds1_ties.csv").query("subgroup == @group")
    wanted = expected("ds1_ties", "subgroups", group)
    found = auroc(rows["label"], rows["score"], method="delong")
    assert [found.value, found.lower, found.upper] == pytest.approx(
        [wanted["auc"], *wanted["ci95_delong"]], abs=CLOSED_FORM
    )


@pytest.mark.parametrize("seed", range(6))
def test_auroc_equals_counting_every_pair(seed):
    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, 38), [0, 1])
    scores = np.round(rng.normal(labels, 1.5), seed % 3)
    assert auroc(labels, scores).value == pytest.approx(slow_auroc(labels, scores), abs=1e-12)
    assert auroc_variance(labels, scores) == pytest.approx(slow_delong_variance(labels, scores), abs=1e-12)


def test_increasing_transforms_leave_everything_alone():
    labels, scores = ds1()
    assert auroc(labels, np.exp(3 * scores) - 7) == auroc(labels, scores)


def test_swapped_labels_and_negated_scores_leave_the_value_alone():
    labels, scores = ds1()
    swapped = auroc(1 - labels, -scores)
    assert swapped.value == pytest.approx(auroc(labels, scores).value, abs=1e-15)
    assert swapped.lower == pytest.approx(auroc(labels, scores).lower, abs=1e-12)


def test_permuted_rows_give_bit_equal_output():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 500), np.round(rng.normal(size=500), 1)
    order = rng.permutation(500)
    assert auroc(labels[order], scores[order]) == auroc(labels, scores)


def test_constant_score_gives_one_half_without_an_interval():
    found = auroc([0, 1, 0, 1], [0.3] * 4)
    assert (found.value, found.lower, found.note[:10]) == (0.5, None, "degenerate")


def test_perfect_separation_is_flagged_degenerate():
    found = auroc([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert (found.value, found.lower, found.upper) == (1.0, None, None)
    assert found.note.startswith("degenerate")


def test_single_positive_has_a_value_and_no_interval():
    found = auroc([0, 0, 1], [0.1, 0.5, 0.4])
    assert found.value == 0.5
    assert found.lower is None


@pytest.mark.parametrize(("label", "missing"), [(1, "negative"), (0, "positive")])
def test_one_class_is_null_with_a_reason(label, missing):
    found = auroc([label] * 3, [0.1, 0.2, 0.3])
    assert found.value is None
    assert f"no {missing} case among 3" in found.reason


@pytest.mark.parametrize(
    ("labels", "scores", "code"),
    [
        ([0, 1, 1], [0.1, 0.2], "E_EVAL_LENGTH"),
        ([0, 2], [0.1, 0.2], "E_EVAL_LABEL"),
        ([0, 1], [0.1, float("nan")], "E_EVAL_SCORE"),
        ([0, 1], [0.1, float("inf")], "E_EVAL_SCORE"),
        ([0, 1], ["high", "low"], "E_EVAL_SCORE"),
        ([], [], "E_EVAL_EMPTY"),
    ],
)
def test_reject_what_no_area_can_be_made_of(labels, scores, code):
    with pytest.raises(EvaluationError) as caught:
        auroc(labels, scores)
    assert caught.value.code == code


def test_roc_curve_starts_at_nothing_called_and_ends_at_everything():
    curve = roc_curve(*ds1())
    assert curve["threshold"][0] == np.inf
    assert (curve["sensitivity"][0], curve["sensitivity"][-1]) == (0, 1)
    area = np.trapezoid(curve["sensitivity"], curve["false_positive_rate"])
    assert area == pytest.approx(auroc(*ds1()).value, abs=1e-12)
