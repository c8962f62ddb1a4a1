"""What every network is: stages, head, embedding; and how a stage runs where bf16 cannot be trusted."""

from __future__ import annotations

import torch
from torch import nn

from medres.models.network import Network, run_stage


class Small(Network):
    stages = ("one", "two")
    cam_layer = "two"

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 6, 1)
        self.finish(6, 3, 0.5)


def test_logits_follow_from_the_embedding_and_it_from_the_map():
    network, x = Small().eval(), torch.rand(2, 1, 8, 8)
    assert network.features(x).shape == (2, 6, 8, 8)
    torch.testing.assert_close(network.embed(x), network.features(x).mean((2, 3)))
    assert torch.equal(network.classify(network.embed(x)), network(x))
    assert torch.equal(network.fc.bias, torch.zeros(3))


def test_small_maps_run_in_fp32_under_bf16_autocast():
    layer = nn.Conv2d(2, 2, 3, padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert run_stage(layer, torch.rand(1, 2, 4, 9)).dtype == torch.float32
        assert run_stage(layer, torch.rand(1, 2, 5, 9)).dtype == torch.bfloat16
