"""The networks keep what the papers say: strides, norms, shortcuts whose gradient flows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from medres.models.registry import build_network
from medres.models.resnet import STAGES
from medres.models.spec import NetworkSpec


def build(name="resnet18", dims=2, **changes):
    values = {"in_channels": 1, "label_count": 2, "width": 0.25} | changes
    return build_network(NetworkSpec(name=name, spatial_dims=dims, **values))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("stem", "factor"), [("standard", 32), ("small", 8)])
def test_last_map_has_the_stride_of_the_paper(dims, stem, factor):
    features = build("resnet10", dims, stem=stem).features(torch.zeros(1, 1, *[64] * dims))
    assert features.shape[2:] == torch.Size([64 // factor] * dims)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.modules.batchnorm._BatchNorm), ("group", nn.GroupNorm)])
def test_the_norm_asked_for_stands_everywhere(dims, norm, kind):
    network = build("resnet18", dims, norm=norm)
    norms = [m for name, m in network.named_modules() if "bn" in name.split(".")[-1] or name.endswith("downsample.1")]
    assert len(norms) == 20
    assert all(isinstance(module, kind) for module in norms)


def test_instance_norm_runs_in_3d():
    assert torch.isfinite(build("resnet10", 3, norm="instance")(torch.randn(2, 1, 33, 33, 33))).all()


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@pytest.mark.parametrize("dims", [2, 3])
def test_gradient_flows_through_every_shortcut(name, dims, shortcut):
    network = build(name, dims, stem="small", width=0.125, shortcut=shortcut).eval()
    for block in (block for stage in STAGES for block in getattr(network, stage)):
        last = block.bn3 if hasattr(block, "bn3") else block.bn2
        nn.init.zeros_(last.weight)  # the residual branch gives nothing: all that flows takes the shortcut
        nn.init.zeros_(last.bias)
    x = torch.rand(1, 1, *[16] * dims, requires_grad=True)
    network(x)[0, 0].backward()
    assert x.grad.abs().sum() > 0
    assert network.conv1.weight.grad.abs().sum() > 0


def test_downsampling_has_no_bias_of_its_own():
    assert not [name for name in build("resnet50").state_dict() if name.endswith("downsample.0.bias")]


def test_width_scales_every_stage():
    assert build("resnet18", width=0.5).fc.in_features == 256
    assert build("resnet50", width=0.25).fc.in_features == 512


def test_bf16_gradients_on_small_maps_are_those_of_fp32():
    network = build("resnet10", 3, width=0.5)
    x = torch.rand(4, 1, 48, 48, 24, generator=torch.Generator().manual_seed(0))
    norms = {}
    for exact in (True, False):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=not exact):
            logits = network(x)
        logits.float().logsumexp(1).mean().backward()
        norms[exact] = torch.stack([p.grad.norm() for p in network.parameters()])
    assert torch.isfinite(norms[False]).all()
    assert norms[False].norm() == pytest.approx(float(norms[True].norm()), rel=0.1)


@pytest.mark.parametrize("dims", [2, 3])
def test_last_stride_of_one_gives_a_map_twice_as_fine_with_the_same_weights(dims: int) -> None:
    facts = {"name": "resnet10", "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    coarse, fine = (build_network(NetworkSpec(**facts, stem="small", last_stride=n), 0).eval() for n in (2, 1))
    fine.load_state_dict(coarse.state_dict())
    x = torch.zeros(1, 1, *[32] * dims)
    assert coarse.features(x).shape[2:] == (4,) * dims
    assert fine.features(x).shape[2:] == (8,) * dims
