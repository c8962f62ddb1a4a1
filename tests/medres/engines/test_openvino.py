"""OpenVINO is held to fp32 unless asked otherwise: by itself it takes bf16 where the CPU has it."""

from __future__ import annotations

from dataclasses import replace

import openvino
import pytest
import torch

from medres.engines.openvino import OpenVinoEngine
from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from tests.small import model_spec, save_tiny_model, spec_2d, spec_3d

FAMILIES = ("vit_s16", "densenet121")
FAMILIES_3D = ("vit_s16", "resnet10 acs")  # the rest are convolutions and norms of the same kinds


@pytest.mark.parametrize(("name", "dims"), [(n, 2) for n in FAMILIES] + [(n, 3) for n in FAMILIES_3D])
def test_every_family_is_converted_and_gives_what_torch_gives(tmp_path, name, dims):
    shown, (name, *acs) = (spec_2d() if dims == 2 else spec_3d()), name.split()
    facts = {"spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.0625, "stem": "small"}
    spec = NetworkSpec(name=name, convolution="acs" if acs else "plain", **facts)
    network = build_network(spec, seed=1).eval()
    tiny = save_tiny_model(tmp_path / "tiny", shown)
    model = replace(tiny, spec=model_spec(shown, network=spec), state_dict=network.state_dict())
    x = torch.rand(2, 1, *[24] * dims, generator=torch.Generator().manual_seed(0))
    found = OpenVinoEngine(model).run(x)
    with torch.no_grad():
        torch.testing.assert_close(found["logits"], network(x), rtol=1e-3, atol=1e-4)


def test_fp32_is_always_asked_for(tmp_path):
    engine = OpenVinoEngine(save_tiny_model(tmp_path / "tiny", spec_2d()))
    assert engine._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"


def test_bf16_is_computed_or_refused_never_passed_off(tmp_path):
    """On a CPU without instructions for bf16 OpenVINO computes in fp32 and says so only where it is asked."""
    model = save_tiny_model(tmp_path / "tiny", spec_2d())
    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        engine = OpenVinoEngine(model, precision="bf16")
        assert engine._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "bf16"
        return
    with pytest.raises(ModelError, match=r"E_ENGINE: precision must be one that this CPU computes, got 'bf16'"):
        OpenVinoEngine(model, precision="bf16")
