"""Predictive values at a stated prevalence equal R's."""

from __future__ import annotations

import pytest

from medres.errors import EvaluationError
from medres.evaluation.confusion import Confusion, count
from medres.evaluation.prevalence import STATED, adjust
from tests.medres.evaluation.reference import CLOSED_FORM, ds1, expected


@pytest.mark.parametrize("row", range(3))
def test_adjusted_values_equal_the_reference(row):
    wanted = expected("ds1_ties", "operating_point_0.5", "adjusted")[row]
    found = adjust(count(*ds1(), 0.5), wanted["prevalence"])
    for name in ("ppv", "npv"):
        assert [found[name].value, found[name].lower, found[name].upper] == pytest.approx(
            [wanted[name], *wanted[f"{name}_ci95_logit"]], abs=CLOSED_FORM
        )
    assert wanted["prevalence"] == STATED[row]


def test_at_the_studys_own_prevalence_it_is_the_plain_predictive_value():
    counts = Confusion(11, 10, 6, 13)
    assert adjust(counts, 17 / 40)["ppv"].value == pytest.approx(11 / 21, abs=1e-12)
    assert adjust(counts, 17 / 40)["npv"].value == pytest.approx(13 / 19, abs=1e-12)


def test_value_equals_counting_a_large_population():
    counts, prevalence, people = Confusion(8, 3, 2, 27), 0.03, 1_000_000
    ill, well = people * prevalence, people * (1 - prevalence)
    hits, false = ill * 0.8, well * 0.1
    assert adjust(counts, prevalence)["ppv"].value == pytest.approx(hits / (hits + false), abs=1e-12)


def test_a_perfect_specificity_has_no_logit_interval():
    found = adjust(Confusion(5, 0, 5, 10), 0.1)
    assert (found["ppv"].value, found["ppv"].lower) == (1.0, None)
    assert found["ppv"].note
    assert adjust(Confusion(5, 5, 5, 0), 0.1)["npv"].value == 0


def test_one_class_and_nothing_called_are_null_with_a_reason():
    assert "no positive" in adjust(Confusion(0, 1, 0, 3), 0.1)["ppv"].reason
    assert "0 of 0" in adjust(Confusion(0, 0, 3, 3), 0.1)["ppv"].reason


@pytest.mark.parametrize("prevalence", [0, 1, -0.2, 5])
def test_reject_a_prevalence_outside_zero_and_one(prevalence):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        adjust(Confusion(1, 1, 1, 1), prevalence)
