"""Two scores on the same cases: paired DeLong, McNemar and bootstrap differences equal the references."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as slow_mcnemar

from medres.errors import EvaluationError
from medres.evaluation.comparison import (
    compare_auroc,
    compare_by_bootstrap,
    compare_decisions,
    compare_unpaired,
    mcnemar,
    shared_level,
)
from medres.evaluation.patient_level import pool_by_patient
from medres.evaluation.resampling import Resampling, draw_patients, draw_stratified
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected, table


def test_paired_delong_equals_proc():
    labels, first = ds1()
    wanted = expected("ds1_ties", "paired")
    found = compare_auroc(labels, first, ds1("score2")[1])
    assert [found.first, found.second, found.difference, found.statistic, found.p] == pytest.approx(
        [wanted[name] for name in ("auc1", "auc2", "diff", "z", "p")], abs=CLOSED_FORM
    )
    assert [found.lower, found.upper] == pytest.approx(wanted["diff_ci95"], abs=CLOSED_FORM)
    assert found.method == "paired DeLong"


def test_paired_obuchowski_equals_the_reference():
    rows = table("ds4_clustered.csv")
    wanted = expected("ds4_clustered", "scan_level_obuchowski", "paired")
    found = compare_auroc(rows["label"], rows["score"], rows["score2"], rows["patient"])
    assert [found.second, found.difference, found.statistic, found.p] == pytest.approx(
        [wanted[name] for name in ("auc2", "diff", "z", "p")], abs=CLOSED_FORM
    )
    assert [found.lower, found.upper] == pytest.approx(wanted["diff_ci95"], abs=CLOSED_FORM)
    assert found.method == "paired Obuchowski"


def test_paired_patients_by_maximum_equal_the_reference():
    rows = table("ds4_clustered.csv")
    pooled = [pool_by_patient(rows["label"], rows[name], rows["patient"]) for name in ("score", "score2")]
    wanted = expected("ds4_clustered", "paired_patient_max")
    found = compare_auroc(pooled[0].labels, pooled[0].scores, pooled[1].scores)
    assert [found.difference, found.statistic, found.p] == pytest.approx(
        [wanted[name] for name in ("diff", "z", "p")], abs=CLOSED_FORM
    )


@pytest.mark.parametrize(
    ("rate", "key"), [("sensitivity", "mcnemar_sensitivity"), ("specificity", "mcnemar_specificity")]
)
def test_mcnemar_equals_r(rate, key):
    labels, first = ds1()
    wanted = expected("ds1_ties", "paired", key)
    found = compare_decisions(labels, first >= 0.5, ds1("score2")[1] >= 0.5)[rate]
    assert [found.both, found.only_first, found.only_second, found.neither] == [
        wanted[name] for name in ("both", "only1", "only2", "neither")
    ]
    assert [found.difference, found.chi2, found.p_chi2, found.p_exact, found.p_mid] == pytest.approx(
        [wanted[name] for name in ("diff", "chi2", "p", "p_exact", "p_mid")], abs=CLOSED_FORM
    )
    assert [found.lower, found.upper] == pytest.approx(wanted["diff_ci95_wald"], abs=CLOSED_FORM)
    assert (found.method, found.p) == ("exact", found.p_exact)


@pytest.mark.parametrize(("b", "c"), [(3, 9), (20, 9), (12, 12)])
def test_mcnemar_equals_statsmodels_exact_below_25_discordant(b, c):
    one = np.repeat([True, False, True], [b, c, 5])
    two = np.repeat([False, True, True], [b, c, 5])
    slow = slow_mcnemar([[5, b], [c, 0]], exact=b + c < 25, correction=False)
    assert mcnemar(one, two).p == pytest.approx(slow.pvalue, abs=1e-12)


def test_unpaired_groups_equal_proc():
    rows = table("ds1_ties.csv")
    wanted = expected("ds1_ties", "unpaired_F_vs_M")
    groups = [rows.query("subgroup == @group") for group in ("F", "M")]
    found = compare_unpaired(*[(group["label"], group["score"]) for group in groups])
    assert [found["d"], found["df"], found["p"]] == pytest.approx(
        [wanted[k] for k in ("D", "df", "p")], abs=CLOSED_FORM
    )


def test_the_same_model_twice_gives_z_zero_and_p_one():
    labels, scores = ds1()
    found = compare_auroc(labels, scores, scores)
    assert (found.statistic, found.p, found.difference) == (0.0, 1.0, 0.0)
    assert mcnemar([True, False], [True, False]).p == 1.0
    again = compare_by_bootstrap(labels, scores, scores, Resampling(50))["auroc"]
    assert (again.lower, again.upper) == (0.0, 0.0)


def test_swapping_the_models_changes_the_sign_alone():
    labels, first = ds1()
    second = ds1("score2")[1]
    one, two = compare_auroc(labels, first, second), compare_auroc(labels, second, first)
    assert one.difference == -two.difference
    assert one.p == pytest.approx(two.p, abs=1e-14)


def test_permuted_rows_give_bit_equal_output():
    labels, first = ds1()
    second = ds1("score2")[1]
    order = np.random.default_rng(5).permutation(labels.size)
    assert compare_auroc(labels[order], first[order], second[order]) == compare_auroc(labels, first, second)


def test_net_benefit_difference_equals_its_definition():
    labels, first = ds1()
    second = ds1("score2")[1]
    found = compare_by_bootstrap(labels, first, second, Resampling(200), net_benefit_at=(0.3,))["net_benefit 0.3"]

    def slow(scores: np.ndarray) -> float:
        called = scores >= 0.3
        return (called & (labels == 1)).mean() - (called & (labels == 0)).mean() * 0.3 / 0.7

    assert found.difference == pytest.approx(slow(first) - slow(second), abs=1e-12)
    assert found.lower < found.difference < found.upper


def test_one_class_is_null_with_a_reason():
    assert "no positive" in compare_auroc([0, 0], [0.1, 0.2], [0.2, 0.3]).reason
    assert mcnemar([], []).reason == "no case of this class"


def test_reject_unequal_lengths():
    with pytest.raises(EvaluationError, match="E_EVAL_LENGTH"):
        compare_auroc([0, 1], [0.1, 0.2], [0.3])


def test_single_positive_gives_a_reason_and_never_p_1_unless_the_order_is_the_same():
    labels, first, second = [1, 0, 0, 0, 0], [0.5, 0.1, 0.9, 0.2, 0.8], [0.5, 0.9, 0.1, 0.8, 0.2]
    found = compare_auroc(labels, first, second)
    assert (found.difference, found.p, found.lower, found.reason) == (0.0, None, None, "no variance can be estimated")
    same = compare_auroc(labels, first, np.square(first))
    assert (same.statistic, same.p) == (0.0, 1.0)


def test_the_level_is_shared_out_over_the_comparisons():
    assert [round(shared_level(count), 4) for count in (1, 2, 4)] == [0.95, 0.975, 0.9875]


def test_bootstrap_of_many_numbers_equals_whole_curves_in_a_loop():
    rng = np.random.default_rng(2)
    labels = np.append(rng.random(60) < 0.3, [False, True])
    first, second = rng.random((2, 62)).round(2)
    patients = rng.integers(0, 25, 62).astype(str)
    for plan in (Resampling(40, 3), Resampling(40, 3, patients)):
        found = compare_by_bootstrap(labels, first, second, plan, net_benefit_at=(0.1, 0.5))
        order = np.lexsort((second, labels, first))
        rows = (
            draw_stratified(labels[order], 40, 3)
            if plan.patients is None
            else draw_patients(patients[order], labels[order], 40, 3)
        )
        slow = np.array(
            [slow_numbers(labels[order], first[order], second[order], w) for w in np.concatenate(list(rows))]
        )
        for one, column in zip(found.values(), slow.T, strict=True):
            assert (one.lower, one.upper) == pytest.approx(tuple(np.quantile(column, [0.025, 0.975])), abs=1e-12)


def slow_numbers(labels: np.ndarray, first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> list[float]:
    """Differences of AUROC and net benefit of one resample, written out row by row."""
    rows = np.repeat(np.arange(labels.size), weights)
    truth, found = labels[rows], []
    for scores in (first[rows], second[rows]):
        own = [roc_auc_score(truth, scores)]
        for t in (0.1, 0.5):
            called = scores >= t
            own.append((called & truth).mean() - (called & ~truth).mean() * t / (1 - t))
        found.append(own)
    return list(np.subtract(*found))


def test_permuted_rows_with_ties_give_bit_equal_bootstrap():
    rng = np.random.default_rng(7)
    labels, first, second = rng.random(50) < 0.5, rng.random(50).round(1), rng.random(50)
    order = rng.permutation(50)
    plan = Resampling(30)
    moved = compare_by_bootstrap(labels[order], first[order], second[order], plan, net_benefit_at=(0.2,))
    assert moved == compare_by_bootstrap(labels, first, second, plan, net_benefit_at=(0.2,))


def test_reject_a_threshold_at_which_no_net_benefit_is_defined():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        compare_by_bootstrap([0, 1], [0.1, 0.2], [0.3, 0.4], Resampling(5), net_benefit_at=(1.0,))
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        compare_by_bootstrap([0, 1], [0.1, 2], [0.3, 0.4], Resampling(5), net_benefit_at=(0.5,))


def test_groups_without_a_variance_have_no_test_instead_of_a_crash():
    perfect = ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    found = compare_unpaired(perfect, perfect)
    assert found["difference"] == 0.0
    assert all(np.isnan(found[name]) for name in ("d", "df", "p"))
