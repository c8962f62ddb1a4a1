"""Statistics over weights equal the plain statistics of the repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from medres.evaluation import replicates
from medres.evaluation.resampling import rank_cases


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    labels, scores = np.arange(30) % 3 == 0, np.round(rng.random(30), 1)
    cases = rank_cases(labels, scores)
    weights = rng.multinomial(30, np.full(30, 1 / 30), 25)
    rows = [np.repeat(np.arange(30), row) for row in weights]
    return replicates.build_curves(cases, weights), [(cases.labels[r], cases.scores[r]) for r in rows]


def test_area_and_average_precision_equal_scikit_learn(drawn):
    curves, sets = drawn
    assert replicates.auroc(curves) == pytest.approx([roc_auc_score(y, s) for y, s in sets], abs=1e-12)
    assert replicates.average_precision(curves) == pytest.approx(
        [average_precision_score(y, s) for y, s in sets], abs=1e-12
    )


def test_rates_and_net_benefit_equal_counting(drawn):
    curves, sets = drawn
    sensitivity, specificity = replicates.rates_at(curves, 0.5)
    assert sensitivity == pytest.approx([np.mean(s[y] >= 0.5) for y, s in sets])
    assert specificity == pytest.approx([np.mean(s[~y] < 0.5) for y, s in sets])
    slow = [np.mean(y & (s >= 0.5)) - np.mean(~y & (s >= 0.5)) for y, s in sets]
    assert replicates.net_benefit(curves, np.array([0.5]))[:, 0] == pytest.approx(slow)


def test_best_points_equal_trying_every_threshold(drawn):
    curves, sets = drawn

    def points(y, s):
        return [(np.mean(s[y] >= t), np.mean(s[~y] < t)) for t in [*np.unique(s), 2.0]]

    slow = [max(sens for sens, spec in points(y, s) if spec >= 0.8) for y, s in sets]
    assert replicates.best_sensitivity(curves, 0.8) == pytest.approx(slow)
    slow = [max(spec for sens, spec in points(y, s) if sens >= 0.8) for y, s in sets]
    assert replicates.best_specificity(curves, 0.8) == pytest.approx(slow)


def test_a_threshold_above_every_score_calls_nothing(drawn):
    sensitivity, specificity = replicates.rates_at(drawn[0], 5.0)
    assert (sensitivity == 0).all()
    assert (specificity == 1).all()


def test_a_resample_without_one_class_is_nan():
    cases = rank_cases([0, 1], [0.1, 0.9])
    curves = replicates.build_curves(cases, np.array([[2, 0]]))
    for found in (
        replicates.auroc(curves),
        replicates.best_sensitivity(curves, 0.9),
        replicates.best_specificity(curves, 0.9),
        replicates.partial_area(curves, 0.9),
    ):
        assert np.isnan(found).all()
