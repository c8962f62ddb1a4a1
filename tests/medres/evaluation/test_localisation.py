"""FROC equals the reference, keeps the lowest threshold that MONAI drops, and equals a loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medres.errors import EvaluationError
from medres.evaluation.localisation import TARGETS, Mark, froc_curve, hit_by_distance, measure_froc, sensitivity_at
from medres.evaluation.resampling import Resampling
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def ds6():
    rows = table("ds6_froc_candidates.csv")
    marks = [Mark(r.image, r.prob, "" if pd.isna(r.lesion) else r.lesion) for r in rows.itertuples()]
    scans = table("ds6_froc_images.csv")
    return marks, dict(zip(scans["image"], map(int, scans["n_lesions"]), strict=True))


def slow_point(marks, lesions, threshold):
    hit = {(mark.scan, mark.lesion) for mark in marks if mark.lesion and mark.score >= threshold}
    false = sum(1 for mark in marks if not mark.lesion and mark.score >= threshold)
    return false / len(lesions), len(hit) / sum(lesions.values())


def test_froc_equals_the_reference_point_by_point():
    curve = froc_curve(*ds6())
    wanted = {k: expected(k, name="expected_froc.json") for k in ("thresholds", "fp_per_image", "sensitivity")}
    assert list(curve.threshold) == pytest.approx(wanted["thresholds"], abs=CLOSED_FORM)
    assert list(curve.false_positives) == pytest.approx(wanted["fp_per_image"], abs=CLOSED_FORM)
    assert list(curve.sensitivity) == pytest.approx(wanted["sensitivity"], abs=CLOSED_FORM)
    assert curve.never_marked == expected("missed_lesions", name="expected_froc.json")


def test_sensitivities_at_the_targets_equal_the_reference():
    found = measure_froc(*ds6(), Resampling(100))
    wanted = expected("sensitivity_step", name="expected_froc.json")
    assert [found[f"froc_{target:g}"].value for target in TARGETS] == pytest.approx(wanted, abs=CLOSED_FORM)
    assert found["froc_mean"].value == pytest.approx(
        expected("luna16_mean_7_step", name="expected_froc.json"), abs=CLOSED_FORM
    )
    assert found["froc_mean"].lower <= found["froc_mean"].value <= found["froc_mean"].upper


def test_the_lowest_threshold_is_kept_where_monai_drops_it():
    marks, lesions = ds6()
    curve = froc_curve(marks, lesions | {"i7": 0})
    wanted = expected("monai_quirk_all_lesions_hit", name="expected_froc.json")
    assert curve.sensitivity[-1] == wanted["true_max_sensitivity"]
    assert curve.false_positives[-1] == wanted["true_max_fp_per_image"]


@pytest.mark.parametrize("seed", range(3))
def test_froc_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    lesions = {f"s{k}": int(rng.integers(0, 3)) for k in range(10)} | {"s0": 2}
    marks = [
        Mark(scan, round(float(rng.random()), 1), f"L{rng.integers(count)}" if count and rng.random() < 0.5 else "")
        for scan, count in lesions.items()
        for _ in range(4)
    ]
    curve = froc_curve(marks, lesions)
    for threshold, false, found in zip(curve.threshold, curve.false_positives, curve.sensitivity, strict=True):
        assert (false, found) == pytest.approx(slow_point(marks, lesions, threshold), abs=1e-12)


def test_a_second_mark_on_a_hit_lesion_is_neither_true_nor_false():
    once = froc_curve([Mark("a", 0.9, "L")], {"a": 1})
    twice = froc_curve([Mark("a", 0.9, "L"), Mark("a", 0.4, "L")], {"a": 1})
    assert list(once.threshold) == list(twice.threshold)


def test_no_mark_below_the_target_gives_a_sensitivity_of_nothing_found():
    curve = froc_curve([Mark("a", 0.9), Mark("a", 0.5, "L")], {"a": 1})
    assert sensitivity_at(curve, 0.125) == 0.0


def test_resampling_by_patient_is_repeatable_and_wider_than_by_scan():
    marks, lesions = ds6()
    patients = {scan: f"p{index // 4}" for index, scan in enumerate(sorted(lesions))}
    one = measure_froc(marks, lesions, Resampling(200, 1), patients=patients)["froc_1"]
    assert one == measure_froc(list(reversed(marks)), lesions, Resampling(200, 1), patients=patients)["froc_1"]
    assert "patient bootstrap" in one.method


def test_no_lesion_anywhere_is_null_with_a_reason():
    assert measure_froc([Mark("a", 0.5)], {"a": 0}, Resampling(5))["froc_mean"].reason == "no lesion in any scan"


def test_hits_are_counted_within_the_radius_of_the_nearest_lesion():
    lesions = np.array([[0.0, 0, 0], [10.0, 0, 0]])
    found = hit_by_distance(np.array([[3.0, 0, 0], [6.0, 0, 0], [30.0, 0, 0]]), lesions, np.array([4.0, 5.0]))
    assert list(found) == [0, 1, -1]
    assert list(hit_by_distance(np.zeros((1, 3)), np.empty((0, 3)), np.empty(0))) == [-1]


def test_reject_marks_of_unknown_scans_and_more_hits_than_lesions():
    with pytest.raises(EvaluationError, match="E_EVAL_LABEL"):
        froc_curve([Mark("b", 0.5)], {"a": 0})
    with pytest.raises(EvaluationError, match="E_EVAL_LABEL"):
        froc_curve([Mark("a", 0.5, "L1"), Mark("a", 0.4, "L2")], {"a": 1})
    with pytest.raises(EvaluationError, match="E_EVAL_EMPTY"):
        froc_curve([], {})
