"""Refusals of a table of predictions name the rows; what may pass does."""

import pytest

from medres.errors import EvaluationError
from pipelines.prediction_checks import (
    check_columns,
    check_filled,
    check_labels,
    check_part,
    check_positive,
    check_scans,
    note_sums,
    read_belonging,
    read_numbers,
)

ROWS = [2, 3, 4]


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "", "NA", "0,4", "1,234.5", "45%", "0_4", "=0.1", "0x1", "1e999", "٠.٤"]
)
def test_reject_a_cell_that_is_no_finite_number_by_row(cell):
    with pytest.raises(EvaluationError, match=r"E_EVAL_SCORE: .* in row 3 "):
        read_numbers(["0.1", cell, "0.2"], ROWS, "any")


def test_numbers_are_read_as_they_stand():
    assert read_numbers(["0.5", "1e-3", " .25 "], ROWS, "probability") == [0.5, 0.001, 0.25]
    assert read_numbers(["-3", "+7", "2."], ROWS, "any") == [-3.0, 7.0, 2.0]


def test_reject_probabilities_outside_0_to_1_by_row():
    with pytest.raises(
        EvaluationError, match=r"E_EVAL_RANGE: .* in rows 2, 4 - give probabilities, or say --scale any"
    ):
        read_numbers(["1.7", "0.3", "-0.1"], ROWS, "probability")


def test_reject_a_scan_that_stands_twice_by_row():
    with pytest.raises(EvaluationError, match=r"E_EVAL_DUPLICATE: .* rows 2, 4"):
        check_scans(["a", "b", "a"], ROWS)


def test_reject_a_patient_without_a_name_by_row():
    with pytest.raises(EvaluationError, match=r"E_EVAL_VALUE: every patient must be named, got none in row 3"):
        check_filled(["a", " ", "b"], ROWS, "patient")


def test_reject_a_label_beside_0_and_1_by_row():
    with pytest.raises(EvaluationError, match=r"E_EVAL_LABEL: labels must be one of 0, 1, got others in row 4"):
        check_labels(["0", "1", "maybe"], ROWS, None, [])
    with pytest.raises(EvaluationError, match=r"E_EVAL_LABEL: every label must be given, got none in row 3"):
        check_labels(["0", "", "1"], ROWS, None, [])
    check_labels(["1", "2", "1"], ROWS, "2", [])


def test_reject_a_positive_class_that_is_no_label():
    with pytest.raises(EvaluationError, match=r"one of the labels \(ill, well\), got 'xx'"):
        check_positive({"ill", "well"}, "xx", [])
    with pytest.raises(EvaluationError, match="must be of two classes, got 3 names"):
        check_positive({"a", "b", "c"}, "a", [])
    check_positive({"well"}, "ill", [])


def test_reject_columns_that_differ_by_case_alone():
    with pytest.raises(EvaluationError, match="lower case, got 'Patient_ID' - name it patient_id"):
        check_columns(["Patient_ID", "Age"], {"patient_id", "label"})


def test_reject_rows_of_another_role():
    with pytest.raises(EvaluationError, match=r"E_EVAL_TEST_THRESHOLD"):
        check_part([{"part": "Test"}], "validation")
    with pytest.raises(EvaluationError, match=r"E_EVAL_LEAK: .* got 1 marked"):
        check_part([{"split": "train"}, {"split": "test"}], "test")


def test_sums_that_are_not_1_are_noted_by_row():
    assert note_sums([(0.2, 0.8), (0.5, 0.6), ()], ROWS) == (
        "the classes' probabilities do not sum to 1 in row 3 of the table",
    )


def test_the_column_in_scope_takes_yes_and_no():
    assert read_belonging(["", "yes", "NO"], ROWS) == [True, True, False]
    with pytest.raises(EvaluationError, match=r"E_EVAL_VALUE: in_scope must be yes or no, got otherwise in row 2"):
        read_belonging(["perhaps", "1", "0"], ROWS)
