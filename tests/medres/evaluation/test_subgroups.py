"""Groups equal the reference; small ones are flagged, one-class ones null, notes are no groups."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.subgroups import group_column, measure_subgroups
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def test_groups_equal_the_reference():
    rows = table("ds1_ties.csv")
    found = measure_subgroups(rows["label"], rows["score"], {"sex": list(rows["subgroup"])}, 0.5)
    for group in found:
        wanted = expected("ds1_ties", "subgroups", group.value)
        assert (group.n, group.n_positive) == (wanted["n"], wanted["n_pos"])
        assert [group.auroc.value, group.auroc.lower, group.auroc.upper] == pytest.approx(
            [wanted["auc"], *wanted["ci95_delong_logit"]], abs=CLOSED_FORM
        )


def test_fewer_than_ten_positives_are_flagged_and_shown():
    rows = table("ds1_ties.csv")
    found = {g.value: g for g in measure_subgroups(rows["label"], rows["score"], {"sex": list(rows["subgroup"])}, 0.5)}
    assert found["F"].flag == "fewer than 10 positives"
    assert found["F"].sensitivity.n == 5
    assert found["M"].flag == ""


def test_a_group_of_one_class_is_null_with_a_reason():
    found = measure_subgroups([0, 0, 1, 0], [0.1, 0.2, 0.8, 0.7], {"site": ["a", "a", "b", "b"]}, 0.5)
    assert "no positive" in found[0].auroc.reason
    assert found[0].sensitivity.value is None
    assert found[0].specificity.value == 1.0


def test_several_scans_a_patient_use_the_clustered_interval():
    rows = table("ds4_clustered.csv")
    found = measure_subgroups(rows["label"], rows["score"], {"maker": list(rows["subgroup"])}, patients=rows["patient"])
    assert all(group.auroc.method == "logit-obuchowski" for group in found)
    assert found[0].sensitivity is None


def test_many_numbers_become_thirds_and_many_texts_a_note():
    ages = [str(age) for age in range(20, 80)]
    groups = group_column([*ages, ""])
    assert sorted({g: groups.count(g) for g in set(groups)}.values()) == [1, 20, 20, 20]
    assert group_column([f"note {k}" for k in range(60)]) is None
    assert group_column(["same"] * 5) is None


def test_groups_stand_in_the_order_of_their_numbers_and_empty_cells_last():
    sizes = [*(f"{0.01 * k:.6f}" for k in range(1, 31)), *[""] * 4]
    labels = np.arange(34) % 2
    found = measure_subgroups(
        labels, labels * 1.0, {"size": sizes, "slices": ["9", "10", "x", "over", "over 60"] * 6 + ["9"] * 4}
    )
    assert [g.value for g in found if g.column == "size"] == [
        "up to 0.1067",
        "over 0.1067 to 0.2033",
        "over 0.2033",
        "(empty)",
    ]
    assert [g.value for g in found if g.column == "slices"] == ["9", "10", "over 60", "over", "x"]


def test_reject_columns_of_another_length():
    with pytest.raises(EvaluationError, match="E_EVAL_LENGTH"):
        measure_subgroups([0, 1], np.array([0.1, 0.2]), {"sex": ["F"]})
