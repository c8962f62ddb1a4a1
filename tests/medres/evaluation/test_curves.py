"""Bootstrap numbers: fixed resamples reproduce the reference percentiles; every statistic has a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from medres.evaluation.curves import BAND_GRID, draw_bands, measure_by_resampling
from medres.evaluation.replicates import build_curves, precision_at, sensitivity_at
from medres.evaluation.resampling import Resampling, from_patients, from_rows, rank_cases
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected, indices, table


def test_fixed_resamples_reproduce_the_percentiles_of_the_reference():
    labels, scores = ds1()
    cases = rank_cases(labels, scores)
    weights = from_rows(cases, indices("ds1_boot_index_stratified_500.csv"))
    found = measure_by_resampling(labels, scores, weights=weights, threshold=0.5)
    wanted = expected("ds1_ties", "bootstrap_fixed_index")
    for name, key in [
        ("auroc_bootstrap", "auc_ci95_percentile"),
        ("auprc", "average_precision_ci95"),
        ("sensitivity_bootstrap", "sens_at_0.5_ci95"),
    ]:
        assert [found[name].lower, found[name].upper] == pytest.approx(wanted[key], abs=CLOSED_FORM)


def test_fixed_patient_resamples_reproduce_the_percentiles_of_the_reference():
    rows = table("ds4_clustered.csv")
    cases = rank_cases(rows["label"], rows["score"])
    weights = from_patients(cases, rows["patient"], indices("ds4_boot_patient_index_500.csv"))
    found = measure_by_resampling(rows["label"], rows["score"], weights=weights, threshold=0.5)
    wanted = expected("ds4_clustered", "cluster_bootstrap_fixed_index")
    for name, key in [("auroc_bootstrap", "auc_ci95_percentile"), ("sensitivity_bootstrap", "sens_at_0.5_ci95")]:
        assert [found[name].lower, found[name].upper] == pytest.approx(wanted[key], abs=CLOSED_FORM)


@pytest.mark.parametrize(("score", "key"), [("score", "average_precision"), ("score2", "average_precision_score2")])
def test_average_precision_equals_the_reference_and_scikit_learn(score, key):
    labels, scores = ds1(score)
    found = measure_by_resampling(labels, scores, Resampling(10))["auprc"]
    assert found.value == pytest.approx(expected("ds1_ties", key), abs=CLOSED_FORM)
    assert found.value == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("row", range(3))
def test_best_attainable_points_equal_the_reference(row):
    found = measure_by_resampling(*ds1(), Resampling(10))
    for kind, other in (("specificity", "sensitivity"), ("sensitivity", "specificity")):
        wanted = expected("ds1_ties", "fixed", f"at_{kind}")[row]
        target = wanted[f"min_{kind}"]
        assert found[f"{other}_at_{kind}_{target:.2f}"].value == pytest.approx(wanted[other], abs=CLOSED_FORM)


@pytest.mark.parametrize("seed", range(5))
def test_partial_area_equals_scikit_learns_mcclish(seed):
    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, 98), [0, 1])
    scores = np.round(rng.normal(labels, 1), seed % 3)
    found = measure_by_resampling(labels, scores, Resampling(5))
    slow = roc_auc_score(labels, scores, max_fpr=0.1)
    assert found["partial_auc_mcclish"].value == pytest.approx(slow, abs=1e-12)


def test_bootstrap_equals_a_loop_over_the_same_resamples():
    rng = np.random.default_rng(2)
    labels, scores = rng.integers(0, 2, 60), np.round(rng.random(60), 2)
    rows = rng.integers(0, 60, (40, 60))
    found = measure_by_resampling(labels, scores, weights=from_rows(rank_cases(labels, scores), rows), threshold=0.4)
    slow = {"auroc_bootstrap": [], "auprc": [], "sensitivity_bootstrap": [], "sensitivity_at_specificity_0.90": []}
    for row in rows:
        y, s = labels[row], scores[row]
        slow["auroc_bootstrap"].append(roc_auc_score(y, s))
        slow["auprc"].append(average_precision_score(y, s))
        slow["sensitivity_bootstrap"].append(np.mean(s[y == 1] >= 0.4))
        points = [(np.mean(s[y == 1] >= t), np.mean(s[y == 0] < t)) for t in [*s, 9.0]]
        slow["sensitivity_at_specificity_0.90"].append(max(sens for sens, spec in points if spec >= 0.9))
    for name, values in slow.items():
        wanted = np.percentile(values, [2.5, 97.5])
        assert [found[name].lower, found[name].upper] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("patients", [None, "several"])
def test_permuted_rows_give_bit_equal_intervals(patients):
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 80), np.round(rng.random(80), 1)
    names = np.array([f"p{k // 2}" for k in range(80)]) if patients else None
    order = rng.permutation(80)
    moved = None if names is None else names[order]
    once = measure_by_resampling(labels, scores, Resampling(100, 7, names))
    assert measure_by_resampling(labels[order], scores[order], Resampling(100, 7, moved)) == once


def test_increasing_transforms_leave_average_precision_alone():
    labels, scores = ds1()
    once = measure_by_resampling(labels, scores, Resampling(50))
    assert measure_by_resampling(labels, np.exp(scores), Resampling(50)) == once


def test_constant_score_gives_one_half_and_the_prevalence():
    found = measure_by_resampling([0, 1, 0, 0], [0.5] * 4, Resampling(20))
    assert found["auroc_bootstrap"].value == 0.5
    assert found["auprc"].value == 0.25


def test_swapped_labels_change_average_precision():
    labels, scores = ds1()
    found = measure_by_resampling(1 - labels, -scores, Resampling(5))
    assert found["auroc_bootstrap"].value == pytest.approx(
        measure_by_resampling(labels, scores, Resampling(5))["auroc_bootstrap"].value
    )
    assert found["auprc"].value != pytest.approx(measure_by_resampling(labels, scores, Resampling(5))["auprc"].value)


def test_seed_is_repeatable_and_matters():
    one, same, other = (measure_by_resampling(*ds1(), Resampling(100, seed))["auprc"] for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_one_class_is_null_everywhere():
    assert all(one.value is None for one in measure_by_resampling([1, 1], [0.1, 0.2], Resampling(5)).values())
    assert draw_bands([1, 1], [0.1, 0.2], Resampling(5)) == {}


def test_bands_hold_the_curve_and_rise():
    labels, scores = ds1()
    bands = draw_bands(labels, scores, Resampling(200))
    assert (np.diff(bands["roc_lower"]) >= -1e-12).all()
    assert (bands["roc_lower"] <= bands["roc_upper"]).all()
    assert bands["grid"] is BAND_GRID


def test_band_of_one_resample_is_the_best_attainable_sensitivity():
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.25, 0.9])
    curves = build_curves(rank_cases(labels, scores), np.ones((1, 5), int))
    assert sensitivity_at(curves, np.array([0.0, 0.34, 1.0]))[0] == pytest.approx([0.5, 1.0, 1.0])
    assert precision_at(curves, np.array([0.5, 1.0]))[0] == pytest.approx([1.0, 2 / 3])


def test_rescaled_partial_area_below_the_diagonal_is_null_as_in_proc():
    found = measure_by_resampling([1, 0, 0, 0, 1, 0], [0.1, 0.2, 0.9, 0.8, 0.3, 0.7], Resampling(20))
    assert found["partial_auc"].value == pytest.approx(0.0)
    assert found["partial_auc_mcclish"].value is None
    assert "below the diagonal" in found["partial_auc_mcclish"].reason


def test_constant_score_has_the_partial_area_of_chance():
    found = measure_by_resampling([1, 0, 0, 1, 0], [0.5] * 5, Resampling(20))
    assert found["partial_auc_mcclish"].value == pytest.approx(0.5)
