"""The model card tells a reader what the model is, and what it has not."""

from __future__ import annotations

import json

from medres.models.card import NOT_EVALUATED, RESEARCH_USE, write_model_card
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
    assert "| test ppv | undefined | undefined |" in card


def test_provenance_is_listed():
    spec = model_spec(spec_3d(), provenance={"seed": 3, "versions": {"torch": "2.10"}})
    assert "- versions torch: 2.10" in write_model_card(spec, {})
