"""Network + shape of a scan -> what one answer costs: parameters, operations, time on this machine.

Knows no weights' worth and no data. Operations are counted on torch's "meta" device, where nothing is computed.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from medres.models.registry import count_parameters

REPEATS = 10  # timed passes, after one to warm up


@dataclass(frozen=True)
class NetworkCost:
    """What a network costs.

    Attributes:
        parameters: weights that learn.
        gflops: 10^9 floating-point operations of one forward pass of one scan or view (a multiply-add counts as two).
        latency_ms: time of one such pass, milliseconds; the fastest of ten, which other work disturbed least.
        device: that the time was taken on.
        threads: of the CPU in that pass.
    """

    parameters: int
    gflops: float
    latency_ms: float
    device: str
    threads: int


def count_operations(network: nn.Module, shape: Sequence[int]) -> int:
    """Count the floating-point operations of one forward pass.

    Args:
        network: not changed.
        shape: (C, *spatial) of one scan or view.

    Returns:
        Operations, convolutions and matrix products alone; a multiply-add counts as two.

    Example:
        >>> count_operations(nn.Conv2d(3, 8, 3, padding=1, bias=False), (3, 10, 10)) == 2 * 3 * 9 * 8 * 100
        True
    """
    trial = copy.deepcopy(network).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        trial(torch.empty((1, *shape), device="meta"))
    return int(counter.get_total_flops())


def measure_cost(network: nn.Module, shape: Sequence[int], device: str = "cpu") -> NetworkCost:
    """Count and time one forward pass in fp32.

    Args:
        network: copied, not changed.
        shape: (C, *spatial) of one scan or view.
        device: "cpu", "cuda" or "cuda:0".

    Returns:
        The cost.
    """
    trial = copy.deepcopy(network).to(device).eval()
    x = torch.linspace(0, 1, torch.Size((1, *shape)).numel(), device=device).reshape((1, *shape))
    times = [_pass(trial, x) for _ in range(REPEATS + 1)][1:]
    return NetworkCost(
        parameters=count_parameters(network),
        gflops=count_operations(network, shape) / 1e9,
        latency_ms=1000.0 * min(times),
        device=device,
        threads=torch.get_num_threads(),
    )


def _pass(network: nn.Module, x: torch.Tensor) -> float:
    """Time one pass, in seconds; a GPU is waited for."""
    start = time.perf_counter()
    with torch.no_grad():
        network(x)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - start
