"""Kappa equals R's, scikit-learn's and statsmodels'."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from medres.errors import EvaluationError
from medres.evaluation.agreement import WEIGHTS, kappa, tabulate
from tests.medres.evaluation.reference import CLOSED_FORM, expected

SLOW = {"plain": None, "linear": "linear", "quadratic": "quadratic"}


@pytest.mark.parametrize(
    ("weights", "key"), [("plain", "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")]
)
def test_kappa_equals_the_reference(weights, key):
    assert kappa(expected("kappa", "table"), weights).value == pytest.approx(expected("kappa", key), abs=CLOSED_FORM)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_kappa_and_its_interval_equal_two_other_libraries(weights):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 4, 90)
    second = np.where(rng.random(90) < 0.6, first, rng.integers(0, 4, 90))
    table = tabulate(list(map(str, first)), list(map(str, second)), list("0123"))
    found = kappa(table, weights)
    slow = cohens_kappa(table, wt=SLOW[weights])
    assert found.value == pytest.approx(cohen_kappa_score(first, second, weights=SLOW[weights]), abs=1e-12)
    assert [found.lower, found.upper] == pytest.approx([slow.kappa_low, slow.kappa_upp], abs=1e-9)


def test_swapping_the_raters_changes_nothing():
    table = np.array(expected("kappa", "table"))
    assert kappa(table.T, "linear").value == pytest.approx(kappa(table, "linear").value, abs=1e-14)


def test_full_agreement_is_one_and_one_category_is_null():
    assert kappa([[4, 0], [0, 3]]).value == 1
    assert kappa([[4, 0], [0, 0]]).reason == "all answers are one category"


def test_reject_a_table_that_is_not_square_and_unknown_answers():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        kappa([[1, 2, 3], [1, 2, 3]])
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        kappa([[1, 2], [1, 2]], "cubic")
    with pytest.raises(EvaluationError, match="E_EVAL_LABEL"):
        tabulate(["a"], ["z"], ["a", "b"])
