"""CSPDarknet53: stages that send half of the channels past the residual blocks."""

from __future__ import annotations

import pytest
import torch

from medres.models.csp import DarknetBlock
from tests.medres.models.small_networks import small_network


def build(name="cspdarknet53", dims=2, **changes):
    return small_network(name, dims, **changes)


def test_number_of_residual_blocks_is_that_of_the_name():
    network = build()
    counts = [sum(isinstance(m, DarknetBlock) for m in getattr(network, stage).modules()) for stage in network.stages]
    assert counts == [1, 2, 8, 8, 4]


@pytest.mark.parametrize("dims", [2, 3])
def test_half_of_the_channels_goes_past_the_blocks(dims):
    stage = build(dims=dims).stage3
    x = torch.rand(1, stage.halve.conv.in_channels, *[6] * dims)
    halved = stage.halve(x)
    assert stage.past(halved).shape[1] == halved.shape[1] // 2
    torch.testing.assert_close(stage(x), stage.join(torch.cat([stage.through(halved), stage.past(halved)], 1)))
