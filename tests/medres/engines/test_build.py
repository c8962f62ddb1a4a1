"""Engines are named, and what cannot run is refused in one sentence."""

from __future__ import annotations

import pytest

from medres.engines.build import build_engine
from medres.errors import ModelError
from tests.small import save_tiny_model, spec_2d


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec_2d())


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        ({"kind": "onnx"}, "E_ENGINE", "engine must be one of torch, openvino, got 'onnx'"),
        ({"precision": "fp16"}, "E_ENGINE", "precision must be one of fp32, bf16, got 'fp16'"),
        ({"device": "gpu"}, "E_DEVICE", "device must be cpu or cuda, got 'gpu'"),
        ({"device": "mps"}, "E_DEVICE", "device must be cpu or cuda, got 'mps'"),
        ({"device": "cuda:77"}, "E_DEVICE", "device cuda:77 must be present"),
        ({"kind": "openvino", "device": "cuda"}, "E_DEVICE", "OpenVINO runs on cpu here"),
    ],
)
def test_refuse_what_cannot_run(model, choice, code, said):
    with pytest.raises(ModelError, match=said) as raised:
        build_engine(model, **choice)
    assert raised.value.code == code
