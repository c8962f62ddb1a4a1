"""Operations are the published ones; a deeper network costs more."""

from __future__ import annotations

import pytest
import torch

from medres.models.cost import count_operations, measure_cost
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def network(name: str, dims: int = 2, channels: int = 3, **changes: object) -> torch.nn.Module:
    spec = {"name": name, "spatial_dims": dims, "in_channels": channels, "label_count": 1000, **changes}
    with torch.device("meta"):
        return build_network(NetworkSpec.model_validate(spec))


@pytest.mark.parametrize(("name", "giga"), [("resnet18", 1.82), ("resnet50", 4.09)])
def test_operations_are_twice_the_published_multiply_adds(name, giga):
    """He et al. 2016, table 1, gives 1.8 and 3.8 (without shortcuts); later counts with them 1.82 and 4.09."""
    assert count_operations(network(name), (3, 224, 224)) / 2e9 == pytest.approx(giga, rel=0.01)


def test_a_deeper_network_costs_more_in_3d_too():
    small = {"dims": 3, "channels": 1, "width": 0.125}
    light, heavy = (count_operations(network(name, **small), (1, 32, 32, 32)) for name in ("resnet10", "resnet34"))
    assert heavy > 1.5 * light


def test_measured_cost_leaves_the_network_as_it_was():
    spec = NetworkSpec(name="resnet10", spatial_dims=2, in_channels=1, label_count=2, width=0.125)
    one = build_network(spec).train()
    cost = measure_cost(one, (1, 32, 32))
    assert one.training
    assert cost.parameters == sum(p.numel() for p in one.parameters())
    assert cost.latency_ms > 0
    assert cost.gflops == pytest.approx(count_operations(one, (1, 32, 32)) / 1e9)
