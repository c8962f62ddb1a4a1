"""Vision transformer: patches, positions for any grid, and a map of tokens that Grad-CAM can use."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def build(name="vit_s16", dims=2, **changes):
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.2}
    return build_network(NetworkSpec(**facts | changes)).eval()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("stem", "factor"), [("standard", 16), ("small", 4)])
def test_last_map_has_the_stride_that_is_said(dims, stem, factor):
    features = build(dims=dims, stem=stem, width=0.0625).features(torch.zeros(1, 1, *[32] * dims))
    assert features.shape[2:] == (32 // factor,) * dims


@pytest.mark.parametrize("dims", [2, 3])
def test_positions_of_the_learnt_grid_are_taken_as_they_are(dims):
    network = build(dims=dims)
    assert torch.equal(network._positions_for(list(network.learnt_grid)), network.positions)


def test_attention_equals_the_formula_written_out():
    layer = build().stage1[0].attention
    tokens = torch.rand(2, 5, 64)
    queries, keys, values = layer.queries_keys_values(tokens).chunk(3, dim=2)
    share = torch.softmax(queries @ keys.transpose(1, 2) / 64**0.5, dim=2)  # one head of 64
    torch.testing.assert_close(layer(tokens), layer.gather(share @ values))


@pytest.mark.parametrize("dims", [2, 3])
def test_logit_has_a_gradient_on_the_token_map(dims):
    network, seen = build(dims=dims), []
    network.token_map.register_forward_hook(lambda _, __, output: seen.append(output))
    logit = network(torch.rand(1, 1, *[48] * dims))[0, 1]
    (gradient,) = torch.autograd.grad(logit, seen[-1])
    assert len(seen) == 1
    assert seen[-1].shape[2:] == (3,) * dims
    assert gradient.abs().amin(1).min() > 0


def test_patches_of_one_place_change_the_map_there_first():
    network = build(width=0.2, stem="small")
    x = torch.zeros(1, 1, 32, 32)
    x[..., 8:12, 20:24] = 1.0
    with torch.no_grad():
        cut = network.patches(x) - network.patches(torch.zeros_like(x))
    assert cut.abs().sum(1)[0].nonzero().tolist() == [[2, 5]]
