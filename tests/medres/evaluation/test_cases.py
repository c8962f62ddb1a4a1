"""Cases are checked once; their digest knows content, not order."""

from __future__ import annotations

import pytest

from medres.errors import EvaluationError
from medres.evaluation.cases import Threshold, build_cases


def test_digest_follows_content_and_not_the_order_of_rows():
    one = build_cases([0, 1], [0.2, 0.7], scans=["a", "b"], patients=["x", "y"])
    two = build_cases([1, 0], [0.7, 0.2], scans=["b", "a"], patients=["y", "x"])
    assert one.digest == two.digest
    assert build_cases([0, 1], [0.2, 0.8], scans=["a", "b"], patients=["x", "y"]).digest != one.digest


def test_patients_are_counted_and_clusters_seen():
    cases = build_cases([0, 1, 1], [0.1, 0.2, 0.3], patients=["a", "a", "b"])
    assert (cases.n, cases.n_positive, cases.n_patients, cases.clustered) == (3, 2, 2, True)
    assert build_cases([0, 1], [0.1, 0.2]).n_patients == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"labels": [0, 1], "scores": [0.1, 1.2]}, "E_EVAL_RANGE"),
        ({"labels": [0, 1], "scores": [0.1, 0.2], "scans": ["a", "a"]}, "E_EVAL_DUPLICATE"),
        ({"labels": [0, 1], "scores": [0.1, 0.2], "patients": ["a"]}, "E_EVAL_LENGTH"),
        ({"labels": [0, 1], "scores": [0.1, 0.2], "columns": {"site": ["a"]}}, "E_EVAL_LENGTH"),
        ({"labels": [], "scores": []}, "E_EVAL_EMPTY"),
        ({"labels": [0, 1], "scores": [0.1, 0.2], "scale": "logit"}, "E_EVAL_VALUE"),
    ],
)
def test_reject_columns_that_do_not_fit(arguments, code):
    with pytest.raises(EvaluationError, match=code):
        build_cases(**arguments)


def test_scores_beyond_one_are_cases_when_declared_so():
    assert build_cases([0, 1], [-3.0, 4.0], scale="any").n == 2
    assert Threshold("a", 0.5, "stated", "stated beforehand").chosen_on == ""
