"""EfficientNet: depths and widths of the compound scaling, shortcuts where the shape stays."""

from __future__ import annotations

import pytest
import torch

from medres.models.efficientnet import round_channels
from tests.medres.models.small_networks import small_network


def build(name="efficientnet_b0", dims=2, **changes):
    return small_network(name, dims, **changes)


@pytest.mark.parametrize(
    ("name", "blocks"), [("efficientnet_b0", 16), ("efficientnet_b4", 32), ("efficientnet_b7", 55)]
)
def test_depth_is_that_of_the_compound_scaling(name, blocks):
    network = build(name)
    assert sum(len(getattr(network, stage)) for stage in network.stages[:-1]) == blocks


@pytest.mark.parametrize(("channels", "rounded"), [(32, 32), (35.2, 32), (38.4, 40), (44.8, 48), (3, 8)])
def test_channels_are_multiples_of_eight_that_lose_at_most_a_tenth(channels, rounded):
    assert round_channels(channels) == rounded


@pytest.mark.parametrize("size", [(33, 47), (40, 64)])
def test_any_size_is_taken_with_cells_that_start_at_the_first_voxel(size):
    found = build().features(torch.zeros(1, 1, *size)).shape[2:]
    assert tuple(found) == tuple(-(-n // 32) for n in size)
