"""The out-of-scope gate lets training's like through and stops what is unlike, with the reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from medres.models import scope
from medres.models.scope import describe_scan, embedding_distance, fit_scope, judge_embedding, judge_facts
from medres.preprocessing.pipeline import preprocess
from tests.small import noise_volume, picture, spec_2d, spec_3d


def facts(seed, **fields):
    volume = noise_volume(seed, **fields)
    return describe_scan(volume, preprocess(volume, spec_3d(spacing_mm=None)))


def embeddings(seed, count=40, width=24):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)) @ np.random.default_rng(9).normal(size=(3, width)) + rng.normal(
        scale=0.2, size=(count, width)
    )


@pytest.fixture(scope="module")
def fitted():
    return fit_scope("CT", [facts(seed) for seed in range(20)], embeddings(0))


def test_the_scope_is_plain_json(fitted):
    assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted
    assert fitted["modality"] == "CT"
    assert fitted["n"] == 20


def test_training_and_new_scans_of_the_same_kind_are_inside(fitted):
    assert all(judge_facts(fitted, facts(seed)) is None for seed in range(40))
    assert all(judge_embedding(fitted, vector) is None for vector in embeddings(0))
    assert np.mean([judge_embedding(fitted, vector) is None for vector in embeddings(1, 200)]) > 0.98


def test_another_body_size_is_named_in_mm(fitted):
    verdict = judge_facts(fitted, facts(0, shape=(60, 18, 12)))
    assert verdict.code == "E_SCOPE_BODY"
    assert verdict.reason.startswith("the largest extent of the scan is 48 mm; this model was trained for")


def test_other_intensities_are_named(fitted):
    volume = noise_volume()
    bright = describe_scan(volume, preprocess(volume.with_voxels(volume.voxels + 900), spec_3d(spacing_mm=None)))
    verdict = judge_facts(fitted, bright)
    assert verdict.code == "E_SCOPE_INTENSITY"
    assert "this model was trained for" in verdict.reason


def test_a_far_embedding_is_outside(fitted):
    verdict = judge_embedding(fitted, embeddings(0)[0] + 20)
    assert verdict.code == "E_SCOPE_EMBEDDING"
    assert "distance from the training data is" in verdict.reason


def test_an_embedding_off_the_training_plane_is_outside_though_not_far(fitted):
    data = embeddings(0)
    _, _, axes = np.linalg.svd(data - data.mean(axis=0))
    step = 0.5 * np.linalg.norm(data - data.mean(axis=0), axis=1).mean()
    assert judge_embedding(fitted, data.mean(axis=0) + step * axes[0]) is None
    assert judge_embedding(fitted, data.mean(axis=0) + step * axes[-1]) is not None


@pytest.mark.parametrize(("count", "width"), [(40, 24), (20, 30)])
def test_distance_equals_mahalanobis_with_sklearns_shrinkage(count, width):
    data = embeddings(3, count, width)
    reference = LedoitWolf().fit(data)
    gate = scope._fit_gaussian(data)
    for vector in embeddings(4, 10, width):
        want = np.sqrt(reference.mahalanobis(vector[None])[0])
        assert embedding_distance(gate, vector) == pytest.approx(want, rel=1e-4)


def test_wide_embeddings_keep_few_directions_and_a_small_file():
    gate = fit_scope("CT", [], np.random.default_rng(0).normal(size=(60, 512)))["embedding"]
    assert len(gate["axes"]) == scope.COMPONENTS
    assert len(json.dumps(gate)) < 400_000


def test_few_scans_give_no_embedding_gate():
    found = fit_scope("CT", [facts(0)], embeddings(0)[:5])
    assert found["embedding"] is None
    assert judge_embedding(found, embeddings(0)[0] + 100) is None


def test_sizes_do_not_count_where_spacing_is_not_known():
    volume = picture()
    named = describe_scan(volume, preprocess(volume, spec_2d()))
    assert all(name.startswith("intensity.") for name in named)


def test_identical_training_scans_still_leave_some_room():
    found = fit_scope("CT", [facts(0)] * 5)
    assert judge_facts(found, facts(0)) is None
    assert found["ranges"]["extent.1"]["upper"] == pytest.approx(24 * 1.25)
