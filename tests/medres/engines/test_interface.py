"""Every engine gives the same answers: one base test for each kind, in 2D and 3D."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import openvino
import pytest
import torch

from medres.engines.build import build_engine
from medres.errors import ModelError
from medres.models.trained_model import build_trained_network
from tests.small import save_tiny_model, spec_2d, spec_3d


@pytest.fixture(scope="module", params=[2, 3])
def model(request, tmp_path_factory):
    spec = spec_2d() if request.param == 2 else spec_3d()
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec)


@pytest.fixture(scope="module", params=["torch", "openvino"])
def engine(request, model):
    return build_engine(model, request.param)


def batch(model, count=3, edge=16, seed=0):
    spec = model.spec.network
    shape = (count, spec.in_channels, *(edge,) * spec.spatial_dims)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_outputs_equal_the_plain_network(engine, model):
    network, x = build_trained_network(model), batch(model)
    found = engine.run(x)
    assert torch.allclose(found["logits"], network(x), atol=1e-5)
    assert torch.allclose(found["embedding"], network.embed(x), atol=1e-5)
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}


def test_a_batch_gives_what_its_parts_give(engine, model):
    x = batch(model)
    whole, parts = engine.run(x), [engine.run(x[n : n + 1]) for n in range(3)]
    assert torch.allclose(whole["logits"], torch.cat([part["logits"] for part in parts]), atol=1e-5)


def test_other_sizes_run_too(engine, model):
    assert engine.run(batch(model, edge=24))["logits"].shape == (3, 2)


def test_the_same_input_gives_the_same_bytes(engine, model):
    one, two = (engine.run(batch(model))["logits"] for _ in range(2))
    assert torch.equal(one, two)


def test_eight_threads_give_what_one_gives(engine, model):
    inputs = [batch(model, seed=n) for n in range(8)]
    alone = [engine.run(x)["logits"] for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = [found["logits"] for found in pool.map(engine.run, inputs)]
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_the_engine_says_what_it_is(engine):
    assert engine.kind in ("torch", "openvino")
    assert (engine.precision, engine.device) == ("fp32", "cpu")


@pytest.mark.parametrize("kind", ["torch", "openvino"])
def test_bf16_is_near_and_says_so(kind, model):
    if kind == "openvino" and "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(ModelError, match=r"E_ENGINE: .* got 'bf16' \(OpenVINO would take f32\)"):
            build_engine(model, kind, precision="bf16")
        return
    found = build_engine(model, kind, precision="bf16")
    assert found.precision == "bf16"
    near = found.run(batch(model))["logits"]
    assert torch.allclose(near, build_trained_network(model)(batch(model)), atol=0.05)
