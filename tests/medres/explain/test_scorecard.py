import json
from types import SimpleNamespace

import numpy as np
import pytest

from medres.classifier import load_classifier
from medres.explain.checks import Lesion
from medres.explain.gradcam import build_heatmap
from medres.explain.scorecard import Case, fit_explanation, fit_scale
from medres.models.trained_model import extend_trained_model
from tests.tiny_models import PLACES_MM, ct_volume, picture, tiny_ct_model

PLACES = [*PLACES_MM, (20.0, 8.0, 12.0), (-8.0, -24.0, -16.0)]


def cases(with_lesions=True):
    found = [
        Case(ct_volume(100 + n, place), True, (Lesion(place, 14.0),) if with_lesions else ())
        for n, place in enumerate(PLACES)
    ]
    return [*found, *(Case(ct_volume(200 + n), False) for n in range(4))]


@pytest.fixture(scope="module")
def classifier(tiny_ct):
    return load_classifier(tiny_ct)


@pytest.fixture(scope="module")
def explanation(classifier):
    return fit_explanation(classifier, cases())


def test_explanation_is_json_with_one_fixed_scale(explanation):
    assert json.loads(json.dumps(explanation, allow_nan=False)) == explanation
    assert explanation["label"] == "tumour"
    assert explanation["layer"] == "layer4"
    assert 0.3 * explanation["scale"] <= explanation["threshold"] <= 0.7 * explanation["scale"]
    assert explanation["fitted_on"] == {"scans": 10, "positive": 6}


def test_hottest_cells_lie_at_planted_lesions_and_the_gate_says_so(explanation):
    pointing = explanation["scorecard"]["pointing"]
    assert pointing["n"] == 6
    assert pointing["rate"] == pointing["hits"] / 6
    assert explanation["scorecard"]["deletion"]["better"] >= 4


def test_without_known_places_pointing_is_not_tested_and_not_failed(classifier):
    card = fit_explanation(classifier, cases(with_lesions=False))["scorecard"]
    assert card["pointing"]["passed"] is None
    assert "not tested: 0 scans with a known place" in card["pointing"]["reason"]


def test_gate_stays_shut_with_too_few_scans(classifier):
    card = fit_explanation(classifier, [ct_volume(1, PLACES[0])])["scorecard"]
    assert card["passed"] is False
    assert "too few scans" in card["reason"]


def test_a_map_that_ignores_the_weights_shuts_the_gate(classifier, monkeypatch):
    monkeypatch.setattr("medres.explain.scorecard.randomised", lambda network, seed: network)
    card = fit_explanation(classifier, cases())["scorecard"]
    assert card["randomisation"]["passed"] is False
    assert card["passed"] is False
    assert "rank correlation with the maps of random weights 1.00" in card["reason"]


def test_out_of_scope_scans_are_left_out(classifier):
    assert fit_explanation(classifier, [picture(0)])["fitted_on"] == {"scans": 0, "positive": 0}


def test_heatmaps_of_a_model_use_its_scale_and_bring_its_scorecard(tmp_path, explanation):
    model = load_classifier(tiny_ct_model(tmp_path / "model")).model
    extend_trained_model(model, {"explanation.json": explanation})
    heatmap = build_heatmap(load_classifier(tmp_path / "model"), ct_volume(300, PLACES[0]))
    assert (heatmap.scale, heatmap.threshold) == (explanation["scale"], explanation["threshold"])
    assert heatmap.scale_source == "explanation.json"
    assert heatmap.scorecard == explanation["scorecard"]


def result(hottest, positive):
    return SimpleNamespace(hottest=hottest, positive=positive)


def test_scale_is_the_95th_percentile_and_nine_in_ten_cold_scans_stay_dark():
    results = [result(h, True) for h in range(1, 102)] + [result(h, False) for h in np.linspace(0, 50, 11)]
    assert fit_scale(results) == (96.0, 45.0)


def test_scale_of_empty_maps_is_one():
    assert fit_scale([result(0.0, True)]) == (1.0, 0.5)
    assert fit_scale([]) == (1.0, 0.5)


def test_threshold_stays_between_its_bounds():
    hot = [result(10.0, True)] * 3
    assert fit_scale([*hot, result(0.0, False)])[1] == pytest.approx(3.0)
    assert fit_scale([*hot, result(9.9, False)])[1] == pytest.approx(7.0)
    assert fit_scale(hot)[1] == pytest.approx(5.0)
