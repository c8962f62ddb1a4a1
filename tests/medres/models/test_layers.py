"""The layers that families are made of, in 2D and 3D."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from medres.models.layers import Layers, Parallel, SqueezeExcitation, draw_weights, group_count, smallest_edge
from medres.models.spec import NetworkSpec


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_convolution_keeps_the_size_unless_told_otherwise(dims, kernel):
    layers, x = Layers(dims, "batch"), torch.rand(1, 2, *[9] * dims)
    assert layers.conv(2, 3, kernel)(x).shape[2:] == x.shape[2:]
    assert layers.conv(2, 3, kernel, stride=2)(x).shape[2:] == (5,) * dims
    assert layers.conv(2, 3, kernel, padding=0)(x).shape[2:] == (10 - kernel,) * dims


@pytest.mark.parametrize(
    ("norm", "kind"),
    [("batch", nn.BatchNorm3d), ("group", nn.GroupNorm), ("instance", nn.InstanceNorm3d), ("none", nn.Identity)],
)
def test_the_norm_asked_for_is_made(norm, kind):
    assert isinstance(Layers(3, norm).normalise(48), kind)


def test_line_kernels_look_along_every_axis_once():
    assert Layers(3, "batch").line_kernels(7) == ((1, 1, 7), (1, 7, 1), (7, 1, 1))


def test_mean_pool_in_3d_takes_maps_smaller_than_its_kernel():
    x = torch.rand(1, 2, 4, 5, 6)
    torch.testing.assert_close(Layers(3, "batch").mean_pool(3, 1, 1)(x), nn.functional.avg_pool3d(x, 3, 1, 1))
    assert Layers(3, "batch").mean_pool(3, 1, 1)(x[..., :1, :1, :1]).shape == (1, 2, 1, 1, 1)


def test_branches_lie_side_by_side():
    x = torch.rand(1, 2, 4, 4)
    assert torch.equal(Parallel([nn.Identity(), nn.Identity()])(x), torch.cat([x, x], 1))


@pytest.mark.parametrize("dims", [2, 3])
def test_squeeze_excitation_weighs_whole_channels(dims):
    x = torch.rand(2, 4, *[3] * dims) + 0.1
    share = SqueezeExcitation(Layers(dims, "batch"), 4, 1)(x) / x
    assert torch.allclose(share.flatten(2).std(2), torch.zeros(2, 4), atol=1e-6)
    assert ((share > 0) & (share < 1)).all()


@pytest.mark.parametrize("channels", [1, 7, 32, 48, 96])
def test_groups_divide_the_channels(channels):
    assert channels % group_count(channels) == 0


def test_drawn_weights_keep_the_spread_through_a_layer():
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 64, 3, padding=1)
    draw_weights(layer)
    y = layer(torch.randn(2, 64, 32, 32).relu())
    assert 0.8 < float(y.detach().pow(2).mean()) < 1.2
    assert torch.equal(layer.bias, torch.zeros(64))


@pytest.mark.parametrize(("norm", "edge"), [("batch", 17), ("instance", 33)])
def test_instance_norm_needs_two_cells_at_the_end(norm, edge):
    assert (
        smallest_edge(32, NetworkSpec(name="resnet18", spatial_dims=2, in_channels=1, label_count=2, norm=norm)) == edge
    )
