"""Obuchowski-Rockette: mean squares equal a two-way ANOVA, the null keeps its level, an effect is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.formula.api import ols

from medres.errors import EvaluationError
from medres.evaluation.discrimination import auroc
from medres.evaluation.readers import compare_ways


def study(seed: int, effect: float = 0.0, readers: int = 4, cases: int = 80):
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 2
    case = rng.normal(size=cases)
    skill = rng.normal(1.3, 0.15, readers)
    return labels, np.array(
        [
            [labels * (skill[r] + way * effect) + 0.7 * case + rng.normal(size=cases) for r in range(readers)]
            for way in range(2)
        ]
    )


def slow_covariance(labels, first, second) -> float:
    """DeLong's covariance, pair by pair."""

    def placements(scores):
        kernel = np.array(
            [[float(p > q) + 0.5 * float(p == q) for q in scores[labels == 0]] for p in scores[labels == 1]]
        )
        return kernel.mean(axis=1), kernel.mean(axis=0)

    (a10, a01), (b10, b01) = placements(first), placements(second)
    return np.cov(a10, b10)[0, 1] / a10.size + np.cov(a01, b01)[0, 1] / a01.size


def test_f_equals_an_anova_table_and_pairwise_covariances():
    labels, ratings = study(0, 0.3)
    found = compare_ways(labels, ratings)
    rows = pd.DataFrame(
        [(way, reader, auroc(labels, ratings[way, reader]).value) for way in range(2) for reader in range(4)],
        columns=["way", "reader", "area"],
    )
    anova = sm.stats.anova_lm(ols("area ~ C(way) + C(reader)", rows).fit())
    ms_way, ms_both = anova["mean_sq"]["C(way)"], anova["mean_sq"]["Residual"]
    cells = [(w, r) for w in range(2) for r in range(4)]

    def mean(kind) -> float:
        pairs = [(a, b) for a in cells for b in cells if kind(a, b)]
        return float(np.mean([slow_covariance(labels, ratings[a], ratings[b]) for a, b in pairs]))

    cov1 = mean(lambda a, b: a[0] != b[0] and a[1] == b[1])
    cov2 = mean(lambda a, b: a[0] == b[0] and a[1] != b[1])
    cov3 = mean(lambda a, b: a[0] != b[0] and a[1] != b[1])
    assert found.covariances[1:] == pytest.approx((cov1, cov2, cov3), abs=1e-12)
    bottom = ms_both + max(4 * (cov2 - cov3), 0)
    df2 = bottom**2 / (ms_both**2 / 3)
    assert found.f == pytest.approx(ms_way / bottom, abs=1e-9)
    assert found.df2 == pytest.approx(df2, abs=1e-6)
    assert found.p == pytest.approx(stats.f.sf(ms_way / bottom, 1, df2), abs=1e-9)


def test_with_two_ways_the_interval_and_the_test_agree():
    found = compare_ways(*study(1, 0.4))
    _, _, difference, lower, upper, p = found.differences[0]
    assert p == pytest.approx(found.p, abs=1e-12)
    assert lower < difference < upper
    assert (p < 0.05) == (lower > 0 or upper < 0)


def test_the_level_is_kept_when_the_ways_are_equal_and_an_effect_is_found():
    rejected = [compare_ways(*study(seed)).p < 0.05 for seed in range(60)]
    assert np.mean(rejected) <= 0.15
    assert np.mean([compare_ways(*study(seed, 1.0)).p < 0.05 for seed in range(20)]) > 0.7


def test_the_same_ratings_twice_have_no_difference_and_say_so():
    labels, ratings = study(2)
    found = compare_ways(labels, np.stack([ratings[0], ratings[0]]))
    assert found.differences[0][2] == 0
    assert found.p is None or found.p == pytest.approx(1.0)


def test_reject_a_single_reader_or_way():
    labels, ratings = study(3)
    with pytest.raises(EvaluationError, match="E_EVAL_VALUE"):
        compare_ways(labels, ratings[:, :1])
    with pytest.raises(EvaluationError, match="E_EVAL_ONE_CLASS"):
        compare_ways(np.zeros(80, int), ratings)
