"""What a training takes is counted before; what does not fit is refused with the size that would."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from medres.errors import TrainingError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from medres.training.memory import MemoryNeed, check_memory, fitting_batch, free_memory, measure_need


def network(**changes):
    return build_network(
        NetworkSpec(**{"name": "resnet10", "spatial_dims": 3, "in_channels": 1, "label_count": 2} | changes)
    )


def test_need_of_a_convolution_is_its_input_its_output_is_kept_by_what_follows():
    plain = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.ReLU())
    need = measure_need(plain, (1, 32, 32))
    assert need.fixed == 8 * 9 * 4 * 4
    kept = 32 * 32 * 4 * (1 + 8)  # the convolution's input and the ReLU's output
    assert need.per_scan == pytest.approx(1.3 * (kept + 32 * 32 * 4 * 3), rel=0.05)


def test_need_grows_with_size_and_nothing_is_allocated_for_a_huge_one():
    small, large = (measure_need(network(width=0.25), (1, n, n, n)) for n in (32, 64))
    assert 6 < large.per_scan / small.per_scan < 9
    assert measure_need(network(), (1, 512, 512, 512)).per_scan > 10e9


def test_refusal_names_the_batch_that_fits_then_the_size_then_the_network():
    need = MemoryNeed(1_000_000, 10_000_000)
    check_memory(need, 8, (1, 64, 64), 200_000_000)
    with pytest.raises(TrainingError, match=r"E_TRAIN_MEMORY.*step of 16 must fit 0.08 GB.*batch_size = 7 fits"):
        check_memory(need, 16, (1, 64, 64), 100_000_000)
    with pytest.raises(TrainingError, match=r"batch_size = 2 a size of about 37 x 37 fits"):
        check_memory(need, 16, (1, 64, 64), 10_000_000)
    with pytest.raises(TrainingError, match="weights alone"):
        check_memory(need, 16, (1, 64, 64), 1_000_000)


def test_free_memory_of_this_machine_is_positive():
    assert free_memory(torch.device("cpu")) > 0
    assert fitting_batch(MemoryNeed(0, 10), 10) == 0
