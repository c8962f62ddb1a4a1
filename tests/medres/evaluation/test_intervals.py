"""Intervals of proportions equal R's; their ends obey what every interval must."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from medres.errors import EvaluationError
from medres.evaluation.intervals import clopper_pearson, logit_wald, percentile, proportion, wilson
from tests.medres.evaluation.reference import CLOSED_FORM, expected


def slow_wilson(x: int, n: int) -> list[float]:
    """Where the score test just rejects: solved by bisection."""

    def score(p: float) -> float:
        return (x / n - p) ** 2 - stats.chi2.ppf(0.95, 1) * p * (1 - p) / n

    below = optimize.brentq(score, 1e-12, x / n - 1e-9) if x else 0.0
    above = optimize.brentq(score, x / n + 1e-9, 1 - 1e-12) if x < n else 1.0
    return [below, above]


def slow_clopper_pearson(x: int, n: int) -> list[float]:
    """Where a one-sided binomial test just rejects: solved by bisection."""
    lower = optimize.brentq(lambda p: stats.binom.sf(x - 1, n, p) - 0.025, 0, 1) if x else 0.0
    upper = optimize.brentq(lambda p: stats.binom.cdf(x, n, p) - 0.025, 0, 1) if x < n else 1.0
    return [lower, upper]


def test_proportions_equal_r():
    for row in expected("proportions"):
        assert wilson(row["x"], row["n"]) == pytest.approx(row["wilson"], abs=CLOSED_FORM)
        assert clopper_pearson(row["x"], row["n"]) == pytest.approx(row["clopper_pearson"], abs=CLOSED_FORM)


@pytest.mark.parametrize(("x", "n"), [(0, 7), (3, 7), (7, 7), (19, 20), (1, 300)])
def test_proportions_equal_their_tests_inverted_and_statsmodels(x, n):
    assert wilson(x, n) == pytest.approx(slow_wilson(x, n), abs=1e-8)
    assert clopper_pearson(x, n) == pytest.approx(slow_clopper_pearson(x, n), abs=1e-8)
    assert wilson(x, n) == pytest.approx(proportion_confint(x, n, method="wilson"), abs=1e-12)
    assert clopper_pearson(x, n) == pytest.approx(proportion_confint(x, n, method="beta"), abs=1e-12)


def test_rule_of_three_is_the_exact_upper_end_of_no_event():
    wanted = expected("power", "rule_of_three_zero_events_95_upper")
    assert clopper_pearson(0, 100)[1] == pytest.approx(wanted["exact_two_sided"], abs=CLOSED_FORM)
    assert clopper_pearson(0, 100, 0.9)[1] == pytest.approx(wanted["exact_one_sided"], abs=CLOSED_FORM)


def test_swapping_success_and_failure_mirrors_the_interval():
    lower, upper = wilson(3, 11)
    assert wilson(8, 11) == pytest.approx((1 - upper, 1 - lower), abs=1e-14)


def test_percentile_is_numpys_type_seven_and_needs_nine_tenths_of_the_resamples():
    values = np.random.default_rng(0).normal(size=200)
    assert percentile(values) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))
    values[:30] = np.nan
    assert percentile(values) == (None, None)


def test_logit_interval_stays_inside_zero_and_one():
    lower, upper = logit_wald(0.98, 0.02)
    assert 0 < lower < 0.98 < upper < 1


def test_no_trial_gives_null_and_counts_are_shown():
    assert proportion(0, 0).value is None
    assert (proportion(3, 4).x, proportion(3, 4).n) == (3, 4)


@pytest.mark.parametrize(("x", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_reject_counts_that_cannot_be(x, n):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        wilson(x, n)
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        clopper_pearson(x, n)


def test_reject_a_level_outside_zero_and_one():
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        wilson(1, 2, 1.5)
