"""Newton's logistic regression equals statsmodels and says when it has no solution."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, special

from medres.evaluation.logistic import fit_logistic


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_coefficients_and_errors_equal_statsmodels(scale):
    rng = np.random.default_rng(0)
    design = np.column_stack((np.ones(200), rng.normal(size=200) * scale, rng.normal(size=200)))
    labels = rng.random(200) < 1 / (1 + np.exp(-design @ [0.3, 0.8 / scale, -0.5]))
    offset = rng.normal(size=200) * 0.2
    found = fit_logistic(design, labels, offset)
    slow = sm.GLM(labels.astype(float), design, family=sm.families.Binomial(), offset=offset).fit(tol=1e-14)
    assert found.coefficients == pytest.approx(np.asarray(slow.params), abs=1e-8)
    assert found.standard_errors == pytest.approx(np.asarray(slow.bse), abs=1e-8)


def test_separable_classes_do_not_converge_and_have_no_error():
    found = fit_logistic(np.column_stack((np.ones(4), [0, 1, 2, 3])), np.array([0, 0, 1, 1]))
    assert not found.converged
    assert np.isnan(found.standard_errors).all()


def test_an_offset_of_near_certainty_still_has_its_finite_intercept():
    truth = np.append(np.zeros(56), np.ones(4)).astype(bool)
    offset = np.where(np.arange(60) % 2 == 0, 13.8, -13.8)  # probabilities of 0 and 1, cut to one millionth
    found = fit_logistic(np.ones((60, 1)), truth, offset)
    slow = optimize.brentq(lambda b: np.sum(truth - special.expit(offset + b)), -60, 60, xtol=1e-13)
    assert found.coefficients[0] == pytest.approx(slow, abs=1e-9)
    assert np.isfinite(found.standard_errors).all()
