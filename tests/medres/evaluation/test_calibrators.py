"""Calibrators find the distortion that was put in, keep the order, and survive being written down."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from medres.errors import EvaluationError
from medres.evaluation.calibration import fit_temperature
from medres.evaluation.calibrators import KINDS, apply_calibrator, fit_calibrator, from_record, to_record


def distorted(n: int = 4000, temperature: float = 0.5, shift: float = 0.0):
    """Labels drawn from true probabilities, and the probabilities that an overconfident model would give."""
    rng = np.random.default_rng(3)
    logit = rng.normal(size=n)
    labels = (rng.random(n) < special.expit(logit)).astype(int)
    return labels, special.expit(logit / temperature + shift)


def test_isotonic_leaves_probabilities_next_to_zero_and_one_where_they_are():
    p, labels = np.array([0.0, 1e-7, 0.2, 0.9, 1.0]), np.array([0, 1, 0, 1, 1])
    found = apply_calibrator(fit_calibrator("isotonic", p, labels), p)
    assert found == pytest.approx(IsotonicRegression(y_min=0, y_max=1).fit(p, labels).predict(p), abs=1e-12)


def test_temperature_finds_what_the_logits_were_multiplied_by():
    labels, p = distorted(temperature=0.5)
    assert fit_temperature(special.logit(p), labels) == pytest.approx(2.0, abs=0.15)


def test_temperature_equals_minimising_the_log_loss_by_brute_force():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(120, 3)) * 3
    labels = np.where(rng.random(120) < 0.6, logits.argmax(axis=1), rng.integers(0, 3, 120))

    def loss(temperature: float) -> float:
        chances = special.softmax(logits / temperature, axis=1)
        return -sum(np.log(chances[row, label]) for row, label in enumerate(labels))

    slow = optimize.brute(lambda t: loss(t[0]), [(0.2, 12)], Ns=400, finish=optimize.fmin)
    assert fit_temperature(logits, labels) == pytest.approx(float(slow[0]), rel=1e-3)


def test_one_column_of_logits_equals_two_with_a_zero():
    labels, p = distorted(500)
    logit = special.logit(p)
    both = np.column_stack((np.zeros(500), logit))
    assert fit_temperature(logit, labels) == pytest.approx(fit_temperature(both, labels), abs=1e-12)


def test_platt_equals_scikit_learns_unpenalised_logistic_regression():
    labels, p = distorted(shift=0.7)
    found = fit_calibrator("platt", p, labels)
    slow = LogisticRegression(C=np.inf, tol=1e-10).fit(special.logit(p)[:, None], labels)
    assert found.slope == pytest.approx(slow.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(slow.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_calibrator_lowers_the_log_loss_and_keeps_the_order(kind):
    labels, p = distorted(temperature=0.4)
    calibrator = fit_calibrator(kind, p, labels)
    after = np.clip(apply_calibrator(calibrator, p), 1e-9, 1 - 1e-9)

    def loss(q: np.ndarray) -> float:
        return -float(np.mean(np.where(labels == 1, np.log(q), np.log1p(-q))))

    assert loss(after) < loss(p)
    assert (np.diff(after[np.argsort(p)]) >= -1e-12).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_calibrator_survives_json(kind):
    labels, p = distorted(300)
    calibrator = fit_calibrator(kind, p, labels)
    assert from_record(json.loads(json.dumps(to_record(calibrator)))) == calibrator


def test_beta_with_a_falling_slope_is_fitted_again_without_it():
    labels, p = distorted(300)
    found = fit_calibrator("beta", 1 - p, labels)
    assert found.a >= 0
    assert found.b >= 0


@pytest.mark.parametrize(
    ("logits", "labels", "code"),
    [
        ([[0.0, 1.0]], [0, 1], "E_EVAL_LENGTH"),
        ([[0.0, np.nan], [0.0, 1.0]], [0, 1], "E_EVAL_SCORE"),
        ([[0.0, 1.0], [0.0, 1.0]], [0, 2], "E_EVAL_LABEL"),
        ([[0.0, 1.0], [0.0, 1.0]], [1, 1], "E_EVAL_ONE_CLASS"),
    ],
)
def test_reject_logits_that_no_temperature_fits(logits, labels, code):
    with pytest.raises(EvaluationError, match=code):
        fit_temperature(logits, labels)


def test_reject_probabilities_outside_zero_and_one():
    with pytest.raises(EvaluationError, match="E_EVAL_RANGE"):
        fit_calibrator("platt", [0.1, 1.2], [0, 1])


@pytest.mark.parametrize("record", [{}, {"kind": "spline"}, {"kind": "platt", "slope": 1.0}])
def test_reject_a_record_that_is_no_calibrator(record):
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        from_record(record)
