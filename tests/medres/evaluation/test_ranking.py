"""Placement values equal counting; covariances are symmetric."""

from __future__ import annotations

import numpy as np
import pytest

from medres.evaluation.ranking import build_placements, delong_covariance, outranked


def test_placements_equal_counting_pairs():
    rng = np.random.default_rng(0)
    scores, others = np.round(rng.random(30), 1), np.round(rng.random(20), 1)
    slow = [np.mean([(s > o) + 0.5 * (s == o) for o in others]) for s in scores]
    assert outranked(scores, others) == pytest.approx(slow, abs=1e-15)


def test_covariance_is_symmetric_and_the_variance_is_its_own():
    rng = np.random.default_rng(1)
    labels = np.arange(40) % 2 == 0
    one, two = (build_placements(labels, rng.random(40)) for _ in range(2))
    assert delong_covariance(one, two) == pytest.approx(delong_covariance(two, one))
    assert delong_covariance(one, one) > 0


def test_mean_placement_of_either_class_is_the_area():
    labels = np.array([True, False, True, False])
    placed = build_placements(labels, np.array([0.4, 0.4, 0.9, 0.1]))
    assert placed.negative.mean() == pytest.approx(placed.auroc)


def test_a_single_case_of_a_class_has_no_variance():
    placed = build_placements(np.array([True, False, False]), np.array([0.9, 0.1, 0.2]))
    assert np.isnan(delong_covariance(placed, placed))
