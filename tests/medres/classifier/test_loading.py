"""Loading proves the copy on request, and refuses what it cannot be."""

from __future__ import annotations

import json

import pytest

from medres.classifier import load_classifier
from medres.errors import ModelError
from medres.models.folder import sha256
from tests.small import save_tiny_model, spec_3d


@pytest.fixture
def folder(tmp_path):
    return save_tiny_model(tmp_path / "tiny", spec_3d()).folder


@pytest.mark.parametrize("options", [{}, {"engine": "openvino"}, {"precision": "bf16"}])
def test_the_golden_probability_is_given_here_too(folder, options):
    assert load_classifier(folder, verify=True, **options).verify() <= 1e-5


def test_reject_a_model_that_does_not_give_its_golden_probability(folder):
    content = json.loads((folder / "golden.json").read_text())
    content["probabilities"] = {"none": 0.1, "tumour": 0.9}
    text = json.dumps(content).encode()
    (folder / "golden.json").write_bytes(text)
    description = json.loads((folder / "trained_model.json").read_text())
    description["files"]["golden.json"] = sha256(text)
    (folder / "trained_model.json").write_text(json.dumps(description))
    load_classifier(folder)
    with pytest.raises(ModelError, match="E_MODEL_GOLDEN"):
        load_classifier(folder, verify=True)


def test_reject_an_operating_point_that_is_none(folder):
    with pytest.raises(ModelError, match="operating point must be one of balanced, got 'best'"):
        load_classifier(folder, operating_point="best")
