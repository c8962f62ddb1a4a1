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


@pytest.mark.parametrize(("plain", "fast", "wanted"), [(2.0, 1.0, "bf16"), (1.0, 1.0, "fp32"), (1.0, 2.0, "fp32")])
def test_auto_takes_what_is_faster_here(network, monkeypatch, plain, fast, wanted):
    monkeypatch.setattr(precision, "time_step", lambda n, s, how: fast if how.precision == "bf16" else plain)
    how = choose_computation("auto", network, (2, 1, 17, 17, 17))
    assert (how.precision, how.channels_last, how.speedup) == (wanted, wanted == "bf16", plain / fast)


def test_measuring_leaves_the_network_as_it_was(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert choose_computation("auto", network, (2, 1, 17, 17, 17)).speedup > 0
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_channels_last_gives_the_same_logits(network):
    x = torch.rand(2, 1, 20, 20, 20)
    plain = network.eval()(x)
    other = lay_out(network, Computation("fp32", True), 5)(x.contiguous(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(plain, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["tpu9", "cuda:99", "meta"])
def test_reject_device_that_is_not_there(name):
    with pytest.raises(TrainingError, match="E_DEVICE"):
        find_device(name)
