"""Scans of one patient are not independent: Obuchowski's interval equals the reference and a slow version."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.clustered import auroc_clustered, is_clustered, refuse_clustered
from medres.evaluation.discrimination import auroc
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def slow_obuchowski(labels, scores, patients) -> float:
    """Obuchowski 1997, written as the paper writes it, patient by patient."""
    rows = list(zip(labels, scores, patients, strict=True))
    x = [(s, i) for y, s, i in rows if y == 1]
    y = [(s, i) for label, s, i in rows if label == 0]

    def psi(a: float, b: float) -> float:
        return 1.0 if a > b else 0.5 if a == b else 0.0

    area = sum(psi(a, b) for a, _ in x for b, _ in y) / (len(x) * len(y))
    v10 = [(sum(psi(a, b) for b, _ in y) / len(y), i) for a, i in x]
    v01 = [(sum(psi(a, b) for a, _ in x) / len(x), i) for b, i in y]
    names = sorted(set(patients))
    sums10 = [sum(v - area for v, i in v10 if i == name) for name in names]
    sums01 = [sum(v - area for v, i in v01 if i == name) for name in names]
    i10 = len({i for _, i in x})
    i01 = len({i for _, i in y})
    s10 = i10 / ((i10 - 1) * len(x)) * sum(v * v for v in sums10)
    s01 = i01 / ((i01 - 1) * len(y)) * sum(v * v for v in sums01)
    s11 = len(names) / (len(names) - 1) * sum(a * b for a, b in zip(sums10, sums01, strict=True))
    return s10 / len(x) + s01 / len(y) + 2 * s11 / (len(x) * len(y))


def ds4():
    rows = table("ds4_clustered.csv")
    return rows["label"].to_numpy(), rows["score"].to_numpy(), rows["patient"].to_numpy()


def test_obuchowski_equals_the_reference():
    wanted = expected("ds4_clustered", "scan_level_obuchowski")
    found = auroc_clustered(*ds4(), method="obuchowski")
    assert [found.value, found.lower, found.upper] == pytest.approx([wanted["auc"], *wanted["ci95"]], abs=CLOSED_FORM)


def test_obuchowski_is_wider_than_naive_delong_on_the_same_scans():
    labels, scores, patients = ds4()
    naive = auroc(labels, scores, method="delong")
    wanted = expected("ds4_clustered", "scan_level_naive_delong")
    assert [naive.lower, naive.upper] == pytest.approx(wanted["ci95_delong"], abs=CLOSED_FORM)
    found = auroc_clustered(labels, scores, patients, method="obuchowski")
    assert found.upper - found.lower > 1.4 * (naive.upper - naive.lower)


@pytest.mark.parametrize("seed", range(4))
def test_obuchowski_equals_the_paper_written_out(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 12, 60)
    labels = np.append(rng.integers(0, 2, 58), [0, 1])
    scores = np.round(rng.normal(labels, 1), 1)
    found = auroc_clustered(labels, scores, patients, method="obuchowski")
    half = 1.959963984540054 * slow_obuchowski(labels, scores, patients) ** 0.5
    assert found.lower == pytest.approx(max(0.0, found.value - half), abs=1e-12)


def test_permuted_scans_give_bit_equal_output():
    labels, scores, patients = ds4()
    order = np.random.default_rng(1).permutation(labels.size)
    assert auroc_clustered(labels[order], scores[order], patients[order]) == auroc_clustered(labels, scores, patients)


def test_one_scan_per_patient_nearly_equals_delong():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    scores = rng.normal(labels, 1)
    clustered = auroc_clustered(labels, scores, np.arange(400), method="delong")
    assert clustered.lower == pytest.approx(auroc(labels, scores, method="delong").lower, abs=1e-4)


def test_reject_naive_use_of_clustered_scans_with_both_counts():
    with pytest.raises(EvaluationError, match="got 3 scans of 2 patients"):
        refuse_clustered(["a", "b", "a"])
    refuse_clustered(["a", "b"])
    assert not is_clustered(None)


def test_one_class_is_null_with_a_reason():
    assert "no negative" in auroc_clustered([1, 1], [0.1, 0.2], ["a", "a"]).reason


def test_variance_of_five_scans_of_three_patients_equals_the_one_computed_by_hand():
    labels, scores = np.array([1, 0, 1, 0, 0]), np.array([0.8, 0.3, 0.4, 0.5, 0.2])
    found = auroc_clustered(labels, scores, ["a", "a", "b", "b", "c"], method="obuchowski")
    # placements of positives 1 and 2/3, of negatives 1, 1/2 and 1; sums less 5/6 by patient:
    # positive a 1/6, b -1/6; negative a 1/6, b -1/3, c 1/6
    s10, s01 = 2 / 1 * (2 / 36) / 4, 3 / 2 * (1 / 36 + 4 / 36 + 1 / 36) / 9
    crossed = 2 * 3 / 2 * (1 / 36 + 2 / 36) / 6
    half = 1.959963984540054 * np.sqrt(s10 + s01 + crossed)
    assert found.value == pytest.approx(5 / 6)
    assert found.lower == pytest.approx(5 / 6 - half, abs=1e-12)
