"""Inception-ResNet-v2: the grids of the paper, shortcuts around scaled branches."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def build(name="inception_resnet_v2", dims=2, **changes):
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    return build_network(NetworkSpec(**facts | changes)).eval()


@pytest.mark.parametrize(("edge", "cells"), [(299, 8), (75, 1)])
def test_grids_are_those_of_the_paper(edge, cells):
    assert build(width=0.0625).features(torch.zeros(1, 1, edge, edge)).shape[2:] == (cells, cells)


@pytest.mark.parametrize("dims", [2, 3])
def test_gradient_flows_through_the_shortcut_of_every_block(dims):
    for block in build(dims=dims).stage1[1:4]:
        torch.nn.init.zeros_(block.gather.weight)
        torch.nn.init.zeros_(block.gather.bias)
        x = torch.rand(1, block.gather.out_channels, *[5] * dims, requires_grad=True)
        block(x).sum().backward()
        assert torch.equal(x.grad, torch.ones_like(x))


def test_number_of_residual_blocks_is_that_of_the_paper():
    network = build(width=0.0625)
    assert (len(network.stage1) - 1, len(network.stage2) - 1, len(network.stage3) - 2) == (10, 20, 10)
