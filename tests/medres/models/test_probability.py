"""Probabilities of a scan from the logits of its views, against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from medres.evaluation.calibrators import Beta, Isotonic, Platt, apply_calibrator, to_record
from medres.models.probability import aggregate, calibrate, scan_probabilities, softmax
from medres.preprocessing.spec import PatchesView
from tests.small import model_spec, spec_3d


def logits(seed, views=5, labels=3):
    return np.random.default_rng(seed).normal(0, 4, (views, labels))


@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_softmax_equals_scipy_and_survives_large_logits(seed, temperature):
    assert np.allclose(softmax(logits(seed), temperature), scipy_softmax(logits(seed) / temperature, axis=1))
    assert np.isfinite(softmax(logits(seed) * 1e4)).all()


@given(st.integers(0, 10**6), st.sampled_from(["mean", "max", "noisy_or"]), st.integers(0, 2))
def test_every_rule_gives_probabilities_that_sum_to_one(seed, rule, positive):
    found = aggregate(softmax(logits(seed)), rule, positive)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()


def test_rules_are_what_they_say():
    rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]])
    assert np.allclose(aggregate(rows, "mean", 1), [0.7, 0.3])
    assert np.allclose(aggregate(rows, "max", 1), [0.4, 0.6])
    assert np.allclose(aggregate(rows, "noisy_or", 1)[1], 1 - 0.9 * 0.4 * 0.8)


def test_noisy_or_shares_the_rest_also_when_nothing_is_left():
    assert np.allclose(aggregate([[0.0, 1.0, 0.0]], "noisy_or", 1), [0, 1, 0])


def test_one_view_is_the_same_under_every_rule():
    row = softmax(logits(0, views=1))
    assert np.allclose([aggregate(row, rule, 2) for rule in ("mean", "max", "noisy_or")], row[0])


def test_temperature_and_rule_come_from_the_model():
    spec = model_spec(spec_3d(size=None, views=PatchesView(size=(8, 8, 8), aggregate="max")), temperature=2.0)
    found = scan_probabilities([[0.0, 1.0], [0.0, 3.0]], spec)
    assert found[1] == pytest.approx(1 / (1 + np.exp(-1.5)))


@pytest.mark.parametrize(
    "calibrator", [Platt(0.5, 0.3), Beta(0.8, 1.2, 0.1), Isotonic((0.2, 0.6, 0.9), (0.1, 0.5, 0.7))]
)
@pytest.mark.parametrize("positive", [0, 1])
def test_the_models_calibrator_is_applied_after_the_views_became_one(calibrator, positive):
    views = PatchesView(size=(8, 8, 8), aggregate="mean")
    about = {"positive_label": ("none", "tumour")[positive]}
    plain = model_spec(spec_3d(size=None, views=views), **about)
    spec = model_spec(spec_3d(size=None, views=views), calibrator=to_record(calibrator), **about)
    raw, found = (scan_probabilities(logits(1, labels=2), one) for one in (plain, spec))
    assert found[positive] == apply_calibrator(calibrator, [raw[positive]])[0]
    assert found.sum() == pytest.approx(1.0)
    assert np.allclose(found, calibrate(raw, calibrator, positive))
