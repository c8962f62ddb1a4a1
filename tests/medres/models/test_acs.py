"""ACS convolutions: 2D kernels, a third of the filters along each axis."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from medres.errors import ModelError
from medres.models.acs import ACSConv3d, use_acs
from medres.models.registry import build_network, count_parameters
from medres.models.spec import NetworkSpec


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_each_third_of_the_filters_equals_a_flat_convolution_in_its_plane(stride, groups):
    layer = ACSConv3d(nn.Conv3d(4, 12, 3, stride=stride, padding=1, groups=groups, bias=False))
    x = torch.rand(1, 4, 6, 7, 8)
    found = layer(x)
    for part, axis in ((slice(0, 4), 4), (slice(4, 8), 3), (slice(8, 12), 2)):
        flat = layer.weight.transpose(2, 3).unsqueeze(axis)
        padding = [0 if a == axis else 1 for a in (2, 3, 4)]
        wanted = functional.conv3d(x, flat, None, stride, padding, 1, groups)
        torch.testing.assert_close(found[:, part], wanted[:, part])


def test_acs_network_has_the_weights_of_its_2d_twin():
    facts = {"name": "resnet18", "in_channels": 1, "label_count": 2, "width": 0.25}
    flat = build_network(NetworkSpec(**facts, spatial_dims=2))
    deep = build_network(NetworkSpec(**facts, spatial_dims=3, convolution="acs"))
    assert count_parameters(flat) == count_parameters(deep)
    shapes = [{name: tensor.shape for name, tensor in network.state_dict().items()} for network in (flat, deep)]
    assert shapes[0] == shapes[1]
    deep(torch.rand(2, 1, 32, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in deep.parameters())


def test_refuse_kernels_that_are_longer_along_one_axis():
    with pytest.raises(ModelError, match=r"E_NETWORK_OPTION: .* got 1 x 1 x 7"):
        use_acs(nn.Sequential(nn.Conv3d(1, 1, (1, 1, 7))))


def test_refuse_acs_in_2d_and_where_a_network_has_no_such_choice():
    with pytest.raises(ValueError, match="needs spatial_dims 3"):
        NetworkSpec(name="resnet18", spatial_dims=2, in_channels=1, label_count=2, convolution="acs")
    with pytest.raises(ModelError, match="E_NETWORK_OPTION: convolution of vit_s16"):
        build_network(NetworkSpec(name="vit_s16", spatial_dims=3, in_channels=1, label_count=2, convolution="acs"))
