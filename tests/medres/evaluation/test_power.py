"""Sample sizes equal pROC's and Buderer's, and the promised power is reached in simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from medres.errors import EvaluationError
from medres.evaluation.discrimination import auroc_variance, hanley_mcneil_se
from medres.evaluation.power import (
    power_of_auroc,
    size_for_auroc,
    size_for_rate,
    upper_limit_without_events,
    width_of_auroc,
)
from medres.evaluation.ranking import build_placements
from tests.medres.evaluation.reference import CLOSED_FORM, expected


def test_power_and_size_equal_proc():
    wanted = expected("power")
    assert power_of_auroc(0.73, 41, 72) == pytest.approx(wanted["roc_one_pow"], abs=CLOSED_FORM)
    even, skewed = size_for_auroc(0.8, power=0.9), size_for_auroc(0.75, power=0.8, ratio=9)
    assert [even.exact_positive, even.exact_negative] == pytest.approx(wanted["roc_one_n"], abs=CLOSED_FORM)
    assert [skewed.exact_positive, skewed.exact_negative] == pytest.approx(wanted["roc_one_n_kappa9"], abs=CLOSED_FORM)


def test_buderer_equals_the_reference():
    wanted = expected("power", "buderer")
    found = size_for_rate(wanted["sens"], wanted["half_width"], wanted["prevalence"])
    assert (found.n_positive, found.n_total) == (wanted["n_pos"], wanted["n_total"])
    assert size_for_rate(0.9, 0.05, 0.1, of="specificity").n_negative == 139


@pytest.mark.parametrize("method", ["obuchowski", "hanley-mcneil"])
def test_size_and_power_are_each_others_inverse(method):
    found = size_for_auroc(0.75, power=0.8, ratio=2, method=method)
    assert power_of_auroc(0.75, found.n_positive, 2 * found.n_positive, method=method) >= 0.8
    assert power_of_auroc(0.75, found.n_positive - 1, 2 * (found.n_positive - 1), method=method) < 0.8


def test_hanley_mcneil_power_uses_its_own_standard_errors():
    null, hoped = hanley_mcneil_se(0.5, 30, 40), hanley_mcneil_se(0.7, 30, 40)
    slow = special.ndtr((0.2 - 1.959963984540054 * null) / hoped)
    assert power_of_auroc(0.7, 30, 40, method="hanley-mcneil") == pytest.approx(slow, abs=1e-12)


def test_promised_power_is_reached_in_simulated_studies():
    size = size_for_auroc(0.7, power=0.8)
    rng, shift = np.random.default_rng(0), np.sqrt(2) * special.ndtri(0.7)
    labels, found = np.repeat([0, 1], [size.n_negative, size.n_positive]), 0
    for _ in range(300):
        scores = rng.normal(labels * shift, 1)
        area = build_placements(labels == 1, scores).auroc
        found += abs(area - 0.5) > 1.96 * np.sqrt(auroc_variance(labels, scores))
    assert 0.7 < found / 300 < 0.9


def test_rule_of_three_is_near_the_exact_limit():
    wanted = expected("power", "rule_of_three_zero_events_95_upper")
    assert upper_limit_without_events(100) == pytest.approx(wanted["exact_one_sided"], abs=CLOSED_FORM)
    assert upper_limit_without_events(100, two_sided=True) == pytest.approx(wanted["exact_two_sided"], abs=CLOSED_FORM)
    assert upper_limit_without_events(300) == pytest.approx(3 / 300, rel=0.01)


def test_width_falls_with_more_cases():
    assert width_of_auroc(0.8, 200, 200) < width_of_auroc(0.8, 50, 50) / 1.9


@pytest.mark.parametrize(
    "call",
    [
        lambda: size_for_auroc(0.5),
        lambda: size_for_auroc(0.8, power=1.0),
        lambda: size_for_auroc(0.8, ratio=0),
        lambda: size_for_auroc(0.8, method="guess"),
        lambda: power_of_auroc(0.8, 0, 10),
        lambda: size_for_rate(1.0, 0.05, 0.1),
        lambda: size_for_rate(0.9, 0.05, 0.1, of="ppv"),
        lambda: upper_limit_without_events(0),
    ],
)
def test_reject_a_plan_that_cannot_be(call):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        call()
