"""Calibration equals R's glm and rms, and perfect probabilities give perfect numbers."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special

from medres.errors import EvaluationError
from medres.evaluation.calibration import measure_calibration, measure_scores
from tests.medres.evaluation.reference import CLOSED_FORM, FIT, ds1, expected


def test_intercepts_slope_and_their_intervals_equal_r():
    found, wanted = measure_calibration(*ds1()), expected("ds1_ties", "calibration")
    assert found["slope"].value == pytest.approx(wanted["slope"], abs=FIT)
    assert [found["slope"].lower, found["slope"].upper] == pytest.approx(wanted["slope_ci95_wald"], abs=FIT)
    assert found["intercept_joint"].value == pytest.approx(wanted["intercept_joint"], abs=FIT)
    assert found["citl"].value == pytest.approx(wanted["citl_intercept_offset"], abs=FIT)
    assert [found["citl"].lower, found["citl"].upper] == pytest.approx(wanted["citl_ci95_wald"], abs=FIT)
    assert found["oe_ratio"].value == pytest.approx(wanted["oe_ratio"], abs=CLOSED_FORM)
    assert found["slope"].value == pytest.approx(wanted["rms_val_prob"]["Slope"], abs=FIT)


def test_scores_equal_r():
    found, wanted = measure_scores(*ds1()), expected("ds1_ties", "calibration")
    for name in ("brier", "brier_scaled", "log_loss", "spiegelhalter_z"):
        assert found[name].value == pytest.approx(wanted[name], abs=CLOSED_FORM)


@pytest.mark.parametrize("seed", range(3))
def test_fits_equal_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, 300)
    labels = (rng.random(300) < p**1.5).astype(int)
    found, logit = measure_calibration(labels, p), special.logit(p)
    slow = sm.GLM(labels, sm.add_constant(logit), family=sm.families.Binomial()).fit(tol=1e-14)
    large = sm.GLM(labels, np.ones(300), family=sm.families.Binomial(), offset=logit).fit(tol=1e-14)
    assert [found["intercept_joint"].value, found["slope"].value] == pytest.approx(list(slow.params), abs=FIT)
    assert [found["slope"].lower, found["slope"].upper] == pytest.approx(list(slow.conf_int()[1]), abs=FIT)
    assert [found["citl"].lower, found["citl"].upper] == pytest.approx(list(large.conf_int()[0]), abs=FIT)


def test_true_probabilities_are_called_calibrated():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, 40_000)
    labels = rng.random(40_000) < p
    found = measure_calibration(labels, p)
    assert found["citl"].lower < 0 < found["citl"].upper
    assert found["slope"].lower < 1 < found["slope"].upper
    assert found["oe_ratio"].lower < 1 < found["oe_ratio"].upper
    assert abs(measure_scores(labels, p)["spiegelhalter_z"].value) < 3


def test_both_intercepts_are_named_and_differ():
    found = measure_calibration(*ds1())
    assert found["citl"].value != pytest.approx(found["intercept_joint"].value, abs=1e-3)


def test_swapping_the_classes_mirrors_the_intercept():
    labels, p = ds1()
    one, two = measure_calibration(labels, p), measure_calibration(1 - labels, 1 - p)
    assert two["citl"].value == pytest.approx(-one["citl"].value, abs=1e-9)
    assert two["slope"].value == pytest.approx(one["slope"].value, abs=1e-9)


def test_one_class_is_null_with_a_reason():
    assert "no negative" in measure_calibration([1, 1], [0.4, 0.6])["slope"].reason
    assert measure_scores([1, 1], [0.4, 0.6])["brier_scaled"].value is None
    assert measure_scores([1, 1], [0.4, 0.6])["brier"].value == pytest.approx(0.26)


@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.8, 0.9], [0.3] * 4])
def test_separable_or_constant_scores_have_no_slope(scores):
    found = measure_calibration([0, 0, 1, 1], scores)
    assert found["slope"].value is None
    assert found["slope"].reason


def test_reject_scores_that_are_no_probabilities():
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        measure_calibration([0, 1], [0.5, 1.5])
