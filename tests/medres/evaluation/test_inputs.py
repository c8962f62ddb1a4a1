"""What no number can be made of is refused with its code and never with a name."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.inputs import (
    check_binary,
    check_labels,
    check_lengths,
    check_probabilities,
    check_share,
    check_two_classes,
    check_unique,
    missing_class,
)


def test_rows_come_out_by_score_then_label():
    labels, scores = check_binary([1, 0, 1], [0.5, 0.5, 0.1])
    assert scores.tolist() == [0.1, 0.5, 0.5]
    assert labels.tolist() == [True, False, True]


def test_minus_zero_and_zero_are_one_score():
    assert not np.signbit(check_binary([1, 0], [-0.0, 0.0])[1]).any()


def test_reject_labels_that_are_text_and_say_how_many():
    with pytest.raises(EvaluationError, match=r"got 2 other value\(s\): benign, malignant"):
        check_labels(["benign", "malignant"])


def test_reject_scores_outside_zero_and_one_with_their_range():
    with pytest.raises(EvaluationError, match=r"got -0\.2 to 1\.5"):
        check_probabilities([-0.2, 1.5])


def test_reject_scans_that_stand_twice_without_naming_them():
    with pytest.raises(EvaluationError) as caught:
        check_unique(["doe-jane-1", "doe-jane-1", "b"])
    assert caught.value.code == "E_EVAL_DUPLICATE"
    assert "doe" not in str(caught.value)


def test_reject_columns_of_unequal_length_by_their_names():
    with pytest.raises(EvaluationError, match="3 labels, 2 scores"):
        check_lengths(labels=[1, 2, 3], scores=[1, 2], patients=None)


def test_reject_tables_where_columns_are_needed():
    with pytest.raises(EvaluationError, match="E_EVAL_LABEL"):
        check_labels(np.zeros((2, 2)))
    with pytest.raises(EvaluationError, match="E_EVAL_SCORE"):
        check_probabilities(np.zeros((2, 2)))


def test_a_missing_class_is_named():
    assert missing_class(np.array([True, False])) == ""
    with pytest.raises(EvaluationError, match="no positive case among 1"):
        check_two_classes(np.array([False]))


def test_a_share_may_stand_on_its_ends_only_where_allowed():
    assert check_share("target", 1, ends=True) == 1.0
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        check_share("target", 1)
