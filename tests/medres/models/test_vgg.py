"""VGG: convolutions and pools as in the paper, a pooled head in 3D."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def build(name="vgg11_bn", dims=2, **changes):
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    return build_network(NetworkSpec(**facts | changes)).eval()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("stem", "factor"), [("standard", 32), ("small", 8)])
def test_last_map_has_the_stride_that_is_said(dims, stem, factor):
    features = build(dims=dims, stem=stem, width=0.0625).features(torch.zeros(1, 1, *[32] * dims))
    assert features.shape[2:] == (32 // factor,) * dims


@pytest.mark.parametrize(("name", "layers"), [("vgg11", 8), ("vgg16", 13), ("vgg19", 16)])
def test_count_of_convolutions_is_that_of_the_name_less_three_dense_layers(name, layers):
    found = [m for m in build(name).modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(found) == layers


def test_dense_layers_in_3d_stay_small():
    with torch.device("meta"):
        flat, deep = (build("vgg16", dims, width=1.0).dense[2].in_features for dims in (2, 3))
    assert (flat, deep) == (512 * 49, 512)


def test_grad_cam_looks_before_the_last_pool():
    network = build()
    assert dict(network.named_modules())[network.cam_layer] is network.stage5.convs
