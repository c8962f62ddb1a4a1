"""A Prediction cannot be changed, travels between processes and reads well."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

from medres.classifier import Prediction, Probabilities
from tests.small import operating_point


def prediction(**changes):
    fields = {
        "probabilities": Probabilities({"benign": 0.2, "malignant": 0.8}),
        "decision": "positive",
        "positive_label": "malignant",
        "operating_point": operating_point(),
        "coverage": 0.75,
        "warnings": ("W_TILT",),
        "model_name": "demo",
        "model_version": "1",
        "model_digest": "0" * 64,
        "synthetic": False,
        "scan_digest": "1" * 64,
        "input_digest": "2" * 64,
        "configuration_digest": "3" * 64,
        "engine": "torch",
        "precision": "fp32",
        "seconds": 0.1,
    }
    return Prediction(**fields | changes)


def test_short_names_give_the_answer():
    told = prediction()
    assert (told.top1, told.probability, told.threshold) == ("malignant", 0.8, 0.5)


def test_it_reads_well():
    assert repr(prediction()) == (
        "Prediction: positive: malignant 0.800, threshold 0.500 (balanced); benign 0.200, malignant 0.800\n"
        "  75% of the scan was shown to demo 1\n"
        "  warnings: W_TILT\n"
        "  Research use only."
    )


def test_out_of_scope_reads_as_a_reason():
    refused = {"probabilities": Probabilities({}), "decision": "out_of_scope", "operating_point": None, "warnings": ()}
    told = prediction(**refused, code="E_SCOPE_MODALITY", reason="the scan's modality is MR", synthetic=True)
    assert repr(told).splitlines()[0] == "Prediction: out of scope: the scan's modality is MR (E_SCOPE_MODALITY)"
    assert "trained on phantoms" in repr(told)


def test_neither_prediction_nor_probabilities_can_be_changed():
    told = prediction()
    with pytest.raises(FrozenInstanceError):
        told.decision = "negative"
    with pytest.raises(TypeError):
        told.probabilities["benign"] = 1.0
    with pytest.raises(AttributeError):
        told.probabilities._pairs = ()


def test_it_survives_the_way_between_processes():
    told = prediction()
    assert pickle.loads(pickle.dumps(told)) == told
    assert hash(told.probabilities) == hash(pickle.loads(pickle.dumps(told.probabilities)))


def test_probabilities_are_a_mapping_in_the_order_of_the_labels():
    found = Probabilities({"b": 0.6, "a": 0.4})
    assert list(found) == ["b", "a"]
    assert dict(found) == {"b": 0.6, "a": 0.4}
    assert found == {"a": 0.4, "b": 0.6}
    assert len(found) == 2
