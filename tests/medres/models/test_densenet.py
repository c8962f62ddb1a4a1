"""DenseNet: MONAI's blocks in our stages give what MONAI's network gives."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.densenet import DenseNet

from tests.medres.models.small_networks import small_network


def build(name="densenet121", dims=2, **changes):
    return small_network(name, dims, **changes)


@pytest.mark.parametrize("dims", [2, 3])
def test_features_equal_those_of_monai(dims):
    ours = build(dims=dims)
    whole = DenseNet(dims, 1, 2, init_features=8, growth_rate=4, block_config=(6, 12, 24, 16)).eval()
    names = {"0": "denseblock", "1": "transition"}
    renamed = {}
    for name, tensor in ours.state_dict().items():
        first, part, rest = name.split(".", 2) if name.count(".") > 1 else (*name.split(".", 1), "")
        if first == "stem":
            renamed[f"features.{('conv0', 'norm0')[int(part)]}.{rest}"] = tensor
        elif name.startswith("stage4.1.0."):
            renamed[f"features.norm5.{rest.removeprefix('0.')}"] = tensor
        elif first.startswith("stage"):
            renamed[f"features.{names[part]}{first[-1]}.{rest}"] = tensor
        else:
            renamed[f"class_layers.out.{part}"] = tensor
    whole.load_state_dict(renamed)
    x = torch.rand(1, 1, *[40] * dims)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), whole(x))
