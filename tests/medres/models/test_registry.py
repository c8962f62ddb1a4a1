"""The registry gives every network by name, with the count that its paper published."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from medres.errors import ModelError
from medres.explain.gradcam import default_layer, grad_cam
from medres.models.registry import REGISTRY, build_network, check_input_size, count_parameters, find_entry
from medres.models.spec import NetworkSpec
from tests.medres.models.small_networks import small_network

FAMILIES = (  # one of each
    "resnet10",
    "resnext50_32x4d",
    "seresnext50",
    "vgg11",
    "vgg11_bn",
    "inception_v3",
    "inception_resnet_v2",
    "efficientnet_b0",
    "densenet121",
    "vit_s16",
    "unet_encoder",
    "cspdarknet53",
)
PUBLISHED_3D_MILLIONS = {"resnet50": 46.16, "resnet101": 85.20, "resnet152": 117.36}  # MedicalNet, 1 channel, no head


def spec(name: str, dims: int = 2, **changes) -> NetworkSpec:
    values = {"in_channels": 1, "label_count": 2, "width": 0.125, "stem": "small"} | changes
    return NetworkSpec(name=name, spatial_dims=dims, **values)


def inputs(dims: int, edge: int, channels: int = 1) -> torch.Tensor:
    return torch.randn(2, channels, *[edge] * dims, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [n for n, entry in REGISTRY.items() if entry.published_parameters])
def test_count_of_parameters_equals_the_published_one(name):
    with torch.device("meta"):
        network = find_entry(name).build(spec(name, in_channels=3, label_count=1000, width=1.0, stem="standard"))
    assert count_parameters(network) == REGISTRY[name].published_parameters


@pytest.mark.parametrize("name", PUBLISHED_3D_MILLIONS)
def test_count_in_3d_equals_the_published_one(name):
    with torch.device("meta"):
        network = find_entry(name).build(spec(name, 3, width=1.0, stem="standard"))
    backbone = count_parameters(network) - count_parameters(network.fc)
    assert backbone / 1e6 == pytest.approx(PUBLISHED_3D_MILLIONS[name], abs=0.006)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", REGISTRY)
def test_every_network_runs_forward_and_backward(name, dims):
    network = build_network(spec(name, dims))
    network(inputs(dims, 13)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", REGISTRY)
def test_every_network_keeps_the_house_interface_and_is_deterministic(name, dims):
    network = build_network(spec(name, dims, dropout=0.5, in_channels=2, label_count=3)).eval()
    x = inputs(dims, 13, channels=2)
    with torch.no_grad():
        logits, embedding, features = network(x), network.embed(x), network.features(x)
        assert torch.equal(network(x), logits)
        assert torch.equal(network.classify(embedding), logits)
    assert logits.shape == (2, 3)
    assert (embedding.ndim, features.ndim) == (2, 2 + dims)
    assert network.stages == find_entry(name).stages
    assert network.fc.in_features == embedding.shape[1]
    children = {child for child, module in network.named_children() if any(True for _ in module.parameters())}
    assert set(network.stages) | {"fc"} <= children


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("stem", "factor"), [("standard", 32), ("small", 8)])
@pytest.mark.parametrize("name", ["cspdarknet53", "densenet121", "efficientnet_b0", "resnext50_32x4d", "vgg11_bn"])
def test_last_map_has_the_stride_that_is_said(name, dims, stem, factor):
    features = small_network(name, dims, stem=stem, width=0.0625).features(torch.zeros(1, 1, *[32] * dims))
    assert features.shape[2:] == (32 // factor,) * dims


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_a_grad_cam_layer_by_name(name, dims):
    network = build_network(spec(name, dims)).eval()
    found = grad_cam(network, inputs(dims, 24), 1, default_layer(network))
    assert found.signed.ndim == 1 + dims
    assert min(found.signed.shape[1:]) >= 2
    assert np.abs(found.signed).max() > 0


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_exports_and_takes_other_sizes_then(name, dims):
    network = build_network(spec(name, dims, width=0.0625)).eval()
    traced = torch.jit.trace(network, inputs(dims, 16), check_trace=False)
    other = inputs(dims, 24)
    with torch.no_grad():
        torch.testing.assert_close(traced(other), network(other), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stem", ["standard", "small"])
@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("name", FAMILIES)
def test_smallest_input_trains_in_2d_and_3d(name, norm, stem):
    norm = norm if "norm" in find_entry(name).options else "batch"
    for dims in (2, 3) if stem == "small" else (2,):
        one = spec(name, dims, width=0.0625, stem=stem, norm=norm)
        network, least = build_network(one), find_entry(name).smallest_input(one)
        assert torch.isfinite(network(inputs(dims, least))).all()
        check_input_size(one, (least,) * dims)
        with pytest.raises(ModelError, match=rf"E_INPUT_SMALL.*at least {least}"):
            check_input_size(one, (least, least - 1, least)[:dims])


@pytest.mark.parametrize("name", [name for name in FAMILIES if "norm" in find_entry(name).options])
def test_group_norm_stands_in_the_place_of_every_batch_norm(name):
    network = build_network(spec(name, norm="group"))
    assert not [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert [m for m in network.modules() if isinstance(m, nn.GroupNorm)]


def test_width_of_a_half_gives_about_a_quarter_of_the_numbers():
    for name in FAMILIES:
        with torch.device("meta"):
            whole, half = (
                count_parameters(find_entry(name).build(spec(name, width=width, stem="standard"))) for width in (1, 0.5)
            )
        assert 0.2 < half / whole < 0.55, name


@pytest.mark.parametrize(
    ("name", "changes"),
    [("vit_b16", {"norm": "group"}), ("vgg16", {"norm": "group"}), ("densenet121", {"last_stride": 1})],
)
def test_refuse_a_choice_that_a_network_would_ignore(name, changes):
    with pytest.raises(ModelError, match=rf"E_NETWORK_OPTION: {next(iter(changes))} of {name} must be"):
        build_network(spec(name, **changes))


@pytest.mark.parametrize("dims", [2, 3])
def test_eval_mode_is_deterministic_and_logits_follow_from_the_embedding(dims):
    network = build_network(spec("resnet18", dims, dropout=0.5)).eval()
    x = torch.randn(2, 1, *[16] * dims, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(x), network(x))
    assert torch.allclose(network.fc(network.embed(x)), network(x))
    assert torch.allclose(network.features(x).flatten(2).mean(2), network.embed(x), atol=1e-6)


def test_same_seed_gives_the_same_weights_and_leaves_the_generator_alone():
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, second, other = (build_network(spec("resnet10"), seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_unknown_name_offers_the_nearest_ones():
    with pytest.raises(ModelError, match=r"E_NETWORK_UNKNOWN.*'resnet17'.*resnet1"):
        build_network(spec("resnet17"))


@pytest.mark.parametrize(("stem", "least"), [("standard", 17), ("small", 5)])
def test_too_small_an_input_names_the_smallest_size(stem, least):
    network = spec("resnet18", stem=stem)
    check_input_size(network, (least, least))
    with pytest.raises(ModelError, match=rf"E_INPUT_SMALL.*at least {least}.*{least - 1} x 40.*enlarge it to {least}"):
        check_input_size(network, (least - 1, 40))


@pytest.mark.parametrize("stem", ["standard", "small"])
def test_the_smallest_input_still_trains(stem):
    network = build_network(spec("resnet10", 3, stem=stem))
    size = find_entry("resnet10").smallest_input(spec("resnet10", 3, stem=stem))
    assert torch.isfinite(network(torch.randn(2, 1, *[size] * 3))).all()
