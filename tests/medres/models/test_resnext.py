"""ResNeXt and SE-ResNeXt: groups of channels, weighed channels, and a shortcut around both."""

from __future__ import annotations

import pytest
import torch

from tests.medres.models.small_networks import small_network


def build(name="resnext50_32x4d", dims=2, **changes):
    return small_network(name, dims, **changes)


@pytest.mark.parametrize(
    ("name", "groups", "width"),
    [("resnext50_32x4d", 32, 128), ("resnext101_32x8d", 32, 256), ("resnext101_64x4d", 64, 256)],
)
def test_first_stage_has_the_groups_of_the_paper(name, groups, width):
    with torch.device("meta"):
        block = build(name, width=1.0).layer1[0]
    assert (block.conv2.groups, block.conv2.out_channels) == (groups, width)


@pytest.mark.parametrize("norm", ["batch", "group", "instance"])
def test_norms_of_the_inner_convolutions_are_those_asked_for(norm):
    block = build(norm=norm).layer1[0]
    assert type(block.bn1) is type(block.bn3)
    assert block.bn1.weight.shape == (block.conv1.out_channels,)


def test_se_block_equals_the_formula_written_out():
    block = build("seresnext50").layer1[1]
    x = torch.rand(2, block.conv1.in_channels, 6, 6)
    y = block.bn1(block.conv1(x)).relu()
    y = block.bn3(block.conv3(block.bn2(block.conv2(y)).relu()))
    squeezed = y.mean((2, 3), keepdim=True)
    share = torch.sigmoid(block.se.widen(block.se.narrow(squeezed).relu()))
    torch.testing.assert_close(block(x), (x + share * y).relu())
