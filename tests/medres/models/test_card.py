"""The model card tells a reader what the model is, and what it has not."""

from __future__ import annotations

import json

from medres.evaluation.calibrators import Platt, to_record
from medres.models.card import NOT_EVALUATED, RESEARCH_USE, write_model_card
from medres.models.folder import WEIGHTS, sha256
from medres.results.disclaimer import DISCLAIMER
from tests.small import model_spec, spec_3d


def test_the_card_opens_with_the_disclaimer():
    card = write_model_card(model_spec(spec_3d()), {})
    assert RESEARCH_USE == DISCLAIMER
    assert card.index(DISCLAIMER) < card.index("## Intended use")
    assert "synthetic phantoms" in card


def test_the_card_names_thresholds_and_their_data():
    card = write_model_card(model_spec(spec_3d()), {})
    assert "| balanced (default) | 0.5000 | Youden | 0.900 | 0.800 | 10 cases, 5 positive |" in card


def test_what_is_absent_is_said():
    card = write_model_card(model_spec(spec_3d()), {})
    assert NOT_EVALUATED in card
    assert "no out-of-scope gate but the modality" in card
    assert "no out-of-scope gate" not in write_model_card(model_spec(spec_3d()), {"scope.json": b"{}"})


def test_numbers_come_with_their_intervals_and_undefined_ones_say_so():
    numbers = {
        "test": {
            "auroc": {"value": 0.9, "lower": 0.8, "upper": 0.95},
            "ppv": {"value": None, "lower": None, "upper": None},
        }
    }
    card = write_model_card(model_spec(spec_3d()), {"evaluation.json": json.dumps(numbers).encode()})
    assert "| test auroc | 0.900 | 0.800 to 0.950 |" in card
    assert "| test ppv | undefined |  |  |" in card


def test_what_the_training_started_from_is_said_with_what_was_loaded():
    assert "- starting weights: none: drawn from the seed" in write_model_card(model_spec(spec_3d()), {})
    loading = {"digest": "ab" * 32, "layout": "torchvision", "coverage": 1.0, "carry": "inflate"}
    loading |= {
        "loaded": ["a", "b"],
        "adapted": {"conv1.weight": "3 to 1 channels"},
        "missing": [],
        "unexpected": ["c"],
    }
    card = write_model_card(model_spec(spec_3d(), loading=loading), {})
    told = "100.0 % of the backbone (2 loaded, 1 adapted, 0 missing, 1 unexpected; from 2D by inflate)"
    assert f"- starting weights: SHA-256 abababababab, torchvision layout: {told}" in card


def test_an_ensemble_says_that_its_answer_is_a_mean():
    alone = write_model_card(model_spec(spec_3d()), {})
    joined = write_model_card(model_spec(spec_3d()).model_copy(update={"members": {"0": "a" * 64, "1": "b" * 64}}), {})
    assert "members" not in alone
    assert "the first of 2 members; the answer is the mean of their probabilities" in joined


def test_provenance_is_listed():
    spec = model_spec(spec_3d(), provenance={"seed": 3, "versions": {"torch": "2.10"}})
    assert "- versions torch: 2.10" in write_model_card(spec, {})


def test_numbers_of_other_weights_are_called_so():
    def card(weights: bytes) -> str:
        numbers = {"model": {"weights_digest": sha256(b"evaluated")}, "auroc": {"value": 0.9, "lower": 0.8, "upper": 1}}
        files = {"evaluation.json": json.dumps(numbers).encode(), WEIGHTS: weights}
        return write_model_card(model_spec(spec_3d()), files)

    assert f"Of these weights (SHA-256 {sha256(b'evaluated')[:12]})" in card(b"evaluated")
    assert "belong to other weights" in card(b"trained again")


def test_calibrator_and_band_are_named():
    card = write_model_card(model_spec(spec_3d(), calibrator=to_record(Platt(1.0, 0.0)), indeterminate=(0.4, 0.6)), {})
    assert "- calibrator: platt" in card
    assert "- indeterminate: 0.4 to below 0.6" in card


def test_the_data_behind_the_numbers_and_the_counts_stand_beside_them():
    data = {"n": 20, "n_positive": 8, "n_patients": 15, "positive": "tumour", "digest": "ab" * 32}
    share = {"value": 0.75, "lower": 0.4, "upper": 0.9, "n": 8, "x": 6}
    document = {"data": data, "notes": ["one site"], "headline": {"sensitivity": share}}
    card = write_model_card(model_spec(spec_3d()), {"evaluation.json": json.dumps(document).encode()})
    assert "On 20 scans of 15 patients, 8 tumour (data digest abababababab)" in card
    assert "Note: one site." in card
    assert "| sensitivity | 0.750 | 0.400 to 0.900 | 6/8 |" in card


def test_heatmaps_that_failed_their_tests_are_a_known_limit():
    content = {"scorecard": {"passed": False, "reason": "they point at nothing"}}
    card = write_model_card(model_spec(spec_3d()), {"explanation.json": json.dumps(content).encode()})
    assert "its heatmaps failed their tests on validation scans: they point at nothing" in card


def test_what_was_not_measured_is_worded():
    spec = model_spec(spec_3d()).model_copy(update={"provenance": {"bf16_speedup_measured": None}})
    assert "- bf16 speedup measured: none\n" in write_model_card(spec, {})
