"""The gate speaks only where it knows: modality always, the rest where the model was saved with a scope."""

from __future__ import annotations

import pytest
import torch

from medres.classifier.gate import judge_input, judge_modality, judge_output
from medres.errors import ScopeError
from medres.preprocessing.pipeline import preprocess
from tests.small import noise_volume, save_tiny_model, spec_3d


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec_3d())


def test_every_channel_must_be_of_the_models_modality(model):
    assert judge_modality(model, [noise_volume(), noise_volume()]) is None
    assert judge_modality(model, [noise_volume(), noise_volume(modality="PT")]).code == "E_SCOPE_MODALITY"
    with pytest.raises(ScopeError, match=r"E_NO_MODALITY.*this model takes CT"):
        judge_modality(model, [noise_volume(modality="")])


def test_without_scope_only_an_empty_view_is_refused(model):
    volume = noise_volume(shape=(90, 9, 9))
    shown = preprocess(volume, spec_3d())
    assert model.scope is None
    assert judge_input(model, volume, shown) is None
    assert judge_output(model, torch.full((1, 8), 1e6)) is None
