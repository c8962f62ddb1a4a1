"""AUROC and net benefit of resamples, counted: equal to whole curves to the last bit, and to scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medres.evaluation import replicates, wins
from medres.evaluation.resampling import CACHED_CELLS, draw_stratified, rank_cases

THRESHOLDS = np.array([0.05, 0.3, 0.5, 0.99])


def random_set(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 80))
    labels = np.append(rng.random(n) < rng.uniform(0.05, 0.9), [False, True])
    return labels, rng.random(n + 2).round(int(rng.integers(1, 6)))


@pytest.mark.parametrize("seed", range(8))
def test_counted_resamples_equal_whole_curves_to_the_last_bit(seed):
    cases = rank_cases(*random_set(seed))
    weights = np.random.default_rng(seed).integers(0, 3, (20, cases.labels.size))
    counted = wins.count(wins.build_ranking(cases.labels, cases.scores), weights)
    curves = replicates.build_curves(cases, weights)
    assert np.array_equal(wins.auroc(counted), replicates.auroc(curves), equal_nan=True)
    assert np.array_equal(wins.net_benefit(counted, THRESHOLDS), replicates.net_benefit(curves, THRESHOLDS))


def test_counted_resamples_equal_scikit_learn():
    labels, scores = random_set(3)
    places = np.random.default_rng(0).permutation(labels.size)
    ranking = wins.build_ranking(labels, scores, places)
    for row in np.concatenate(list(draw_stratified(labels[np.argsort(places)], 10, 0, CACHED_CELLS))):
        often = row[places]
        wanted = roc_auc_score(np.repeat(labels, often), np.repeat(scores, often))
        assert wins.auroc(wins.count(ranking, row[None]))[0] == pytest.approx(wanted, abs=1e-12)


def test_a_resample_without_a_class_has_no_auroc():
    ranking = wins.build_ranking(np.array([True, False]), np.array([0.6, 0.4]))
    found = wins.auroc(wins.count(ranking, np.array([[1, 1], [0, 2]])))
    assert found[0] == 1.0
    assert np.isnan(found[1])
