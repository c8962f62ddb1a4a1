"""U-Net encoder: levels of the paper, no decoder."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def build(name="unet_encoder", dims=2, **changes):
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    return build_network(NetworkSpec(**facts | changes)).eval()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("stem", "factor"), [("standard", 16), ("small", 8)])
def test_last_map_has_the_stride_that_is_said(dims, stem, factor):
    features = build(dims=dims, stem=stem, width=0.0625).features(torch.zeros(1, 1, *[32] * dims))
    assert features.shape[2:] == (32 // factor,) * dims


def test_levels_double_their_channels():
    with torch.device("meta"):
        network = build(width=1.0)
    widths = [network.stem.conv_1.conv.out_channels]
    widths += [getattr(network, stage).convs.conv_1.conv.out_channels for stage in network.stages]
    assert widths == [64, 128, 256, 512, 1024]
