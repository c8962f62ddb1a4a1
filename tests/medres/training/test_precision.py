"""Precision and memory layout are measured, not believed."""

from __future__ import annotations

import pytest
import torch

from medres.errors import TrainingError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from medres.training import precision
from medres.training.precision import Computation, choose_computation, find_device, lay_out


@pytest.fixture
def network():
    return build_network(NetworkSpec(name="resnet10", spatial_dims=3, in_channels=1, label_count=2, width=0.125))


def test_what_was_asked_for_is_taken(network):
    assert choose_computation("fp32", network, (2, 1, 17, 17, 17)) == Computation("fp32", False)
    assert choose_computation("bf16", network, (2, 1, 17, 17, 17)) == Computation("bf16", True)


@pytest.mark.parametrize(("exact", "fast", "wanted"), [(2.0, 1.0, "bf16"), (1.0, 1.0, "fp32"), (1.0, 2.0, "fp32")])
def test_auto_takes_what_is_faster_here(network, monkeypatch, exact, fast, wanted):
    monkeypatch.setattr(precision, "computes_bf16", lambda: True)
    monkeypatch.setattr(precision, "time_step", lambda n, s, how: fast if how.precision == "bf16" else exact)
    how = choose_computation("auto", network, (2, 1, 17, 17, 17))
    assert (how.precision, how.channels_last, how.speedup) == (wanted, True, exact / fast)


def test_bf16_is_not_tried_where_no_instruction_computes_it(network, monkeypatch):
    monkeypatch.setattr(precision, "computes_bf16", lambda: False)
    monkeypatch.setattr(precision, "time_step", None)  # nothing is measured
    assert choose_computation("auto", network, (2, 1, 17, 17, 17)) == Computation("fp32", True)


def test_measuring_leaves_the_network_as_it_was(network, monkeypatch):
    monkeypatch.setattr(precision, "computes_bf16", lambda: True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert choose_computation("auto", network, (2, 1, 17, 17, 17)).speedup > 0
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("shape", [(4, 1, 40, 40), (4, 1, 17, 90), (4, 1, 20, 20, 20), (4, 1, 33, 17, 18)])
@pytest.mark.parametrize("stem", ["standard", "small"])
def test_channels_last_gives_the_same_logits_and_gradients(shape, stem):
    """Also where the last maps have one or two cells: there bf16 of this torch does not."""
    spec = NetworkSpec(
        name="resnet10", spatial_dims=len(shape) - 2, in_channels=1, label_count=2, width=0.125, stem=stem, norm="group"
    )
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    found = []
    for layout in (False, True):
        network = lay_out(build_network(spec, 0), Computation("fp32", layout), len(shape))
        laid = x.contiguous(memory_format=torch.channels_last_3d if len(shape) == 5 else torch.channels_last)
        logits = network(laid if layout else x)
        logits.square().sum().backward()
        found.append((logits.detach(), torch.cat([p.grad.flatten() for p in network.parameters()])))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-4, rtol=1e-4)
    off = (found[0][1] - found[1][1]).norm() / found[0][1].norm()
    assert off < 5e-3  # a rectifier that opens or not by the last bit moves its gradient


@pytest.mark.parametrize("name", ["tpu9", "cuda:99", "meta"])
def test_reject_device_that_is_not_there(name):
    with pytest.raises(TrainingError, match="E_DEVICE"):
        find_device(name)
