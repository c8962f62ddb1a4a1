"""VGG: convolutions and pools as in the paper, a pooled head in 3D."""

from __future__ import annotations

import pytest
import torch

from tests.medres.models.small_networks import small_network


def build(name="vgg11_bn", dims=2, **changes):
    return small_network(name, dims, **changes)


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
