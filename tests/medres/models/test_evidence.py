"""The evidence of the cells adds up to the logit, and points at what the network looks at."""

from __future__ import annotations

import numpy as np
import torch

from medres.models.evidence import cell_evidence, leaf_at
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec

SPEC = NetworkSpec(
    name="resnet10", spatial_dims=3, in_channels=1, label_count=2, width=0.125, stem="small", last_stride=1
)


def test_at_the_last_map_the_cells_add_up_to_the_margin_of_the_logits():
    network = build_network(SPEC, seed=0).eval()
    network.fc.bias.data.fill_(0.25)
    batch = torch.rand(11, 1, 16, 16, 16)
    found, cells = cell_evidence(network, batch, 1, "layer4")
    with torch.no_grad():
        logits = network(batch).numpy()
    assert found.shape == (11, 4, 4, 4)
    assert cells.step == (4.0, 4.0, 4.0)
    assert np.allclose(found.sum(axis=(1, 2, 3)), logits[:, 1] - logits[:, 0], atol=1e-5)


def test_a_finer_layer_has_finer_cells():
    network = build_network(SPEC, seed=0).eval()
    found, cells = cell_evidence(network, torch.rand(1, 1, 16, 16, 16), 0, "layer2")
    assert found.shape == (1, 8, 8, 8)
    assert cells.step == (2.0, 2.0, 2.0)


def test_the_network_is_left_without_hooks():
    network = build_network(SPEC, seed=0).eval()
    with leaf_at(network.layer4) as leaves:
        network(torch.rand(1, 1, 16, 16, 16))
    assert len(leaves) == 1
    network(torch.rand(1, 1, 16, 16, 16))
    assert len(leaves) == 1
