"""The registry gives every network by name, with the count that its paper published."""

from __future__ import annotations

import pytest
import torch

from medres.errors import ModelError
from medres.models.registry import REGISTRY, build_network, check_input_size, count_parameters, find_entry
from medres.models.spec import NetworkSpec

PUBLISHED_3D_MILLIONS = {"resnet50": 46.16, "resnet101": 85.20, "resnet152": 117.36}  # MedicalNet, 1 channel, no head


def spec(name: str, dims: int = 2, **changes) -> NetworkSpec:
    values = {"in_channels": 1, "label_count": 2, "width": 0.125, "stem": "small"} | changes
    return NetworkSpec(name=name, spatial_dims=dims, **values)


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
    x = torch.randn(2, 1, *[16] * dims, generator=torch.Generator().manual_seed(0))
    network(x).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert dict(network.named_modules())[network.cam_layer] is not None


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
