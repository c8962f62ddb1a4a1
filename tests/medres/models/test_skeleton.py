"""Networks built for loading draw no random number, and take exactly the weights that fit."""

from __future__ import annotations

import pytest
import torch

from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.skeleton import _WithoutDrawing, build_loaded_network, check_weights
from medres.models.spec import NetworkSpec

SPEC = NetworkSpec(name="resnet18", spatial_dims=2, in_channels=1, label_count=2, width=0.125)


def test_loaded_network_gives_the_outputs_of_the_one_that_was_saved():
    network = build_network(SPEC, seed=3).eval()
    before = torch.get_rng_state()
    loaded = build_loaded_network(SPEC, network.state_dict())
    x = torch.randn(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(x), network(x))
    assert torch.equal(torch.get_rng_state(), before)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_drawing_works_again_afterwards():
    check_weights(SPEC, build_network(SPEC).state_dict())
    assert torch.nn.init.normal_(torch.zeros(50)).std() > 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.pop("fc.bias"), "1 missing and 0 unexpected names, first fc.bias"),
        (lambda weights: weights.update(more=torch.zeros(1)), "0 missing and 1 unexpected names, first more"),
        (lambda weights: weights.update({"fc.bias": torch.zeros(3)}), r"fc.bias must have shape \(2,\), got \(3,\)"),
    ],
)
def test_reject_weights_that_do_not_fit(change, said):
    weights = dict(build_network(SPEC).state_dict())
    change(weights)
    with pytest.raises(ModelError, match=said) as raised:
        build_loaded_network(SPEC, weights)
    assert raised.value.code == "E_MODEL_SHAPE"


def test_a_draw_that_repeats_until_it_is_within_bounds_ends():
    with _WithoutDrawing():
        wild = torch.full((8, 8), 1e9)
        assert float(torch.nn.init.trunc_normal_(wild, std=0.02).abs().max()) <= 2.0
