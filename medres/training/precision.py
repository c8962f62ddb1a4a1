"""Network + input shape -> how to compute on this machine: channels-last, in fp32 or, where it is faster, in bf16.

Measures; knows no data. Source: decisions/bf16_on_cpu.md.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from medres.errors import TrainingError

TRIALS = 3
TRIAL_SECONDS = 2.0  # of processor time: then no further trial is begun
FASTER = 1.1  # bf16 must be this much faster to be worth its rounding


@dataclass(frozen=True)
class Computation:
    """How a training computes.

    Attributes:
        precision: "fp32" or "bf16".
        channels_last: memory layout of maps and weights.
        speedup: measured time of fp32 over that of bf16, both channels-last; None where nothing was measured,
            because one was asked for or this CPU has no instructions for bf16.
    """

    precision: str
    channels_last: bool
    speedup: float | None = None

    @property
    def lightning_name(self) -> str:
        """As Lightning's Trainer takes it."""
        return "bf16-mixed" if self.precision == "bf16" else "32-true"


def choose_computation(
    asked: str, network: nn.Module, shape: Sequence[int], device: torch.device | None = None
) -> Computation:
    """Choose precision and memory layout.

    Args:
        asked: "auto", "fp32" or "bf16".
        network: that will be trained; not changed.
        shape: of a batch, (B, C, *spatial).
        device: None is the CPU.

    Returns:
        fp32 with plain layout where that was asked for, bf16 with channels-last where that was. Else channels-last,
        which was never slower where it was measured, in whichever precision is faster.
    """
    if asked != "auto":
        return Computation(asked, asked == "bf16")
    place = device or torch.device("cpu")
    if place.type == "cuda":
        return Computation("bf16" if torch.cuda.is_bf16_supported() else "fp32", True)
    if not computes_bf16():
        return Computation("fp32", True)
    exact = time_step(network, shape, Computation("fp32", True))
    fast = time_step(network, shape, Computation("bf16", True))
    speedup = round(exact / fast, 2)
    return Computation("bf16", True, speedup) if speedup >= FASTER else Computation("fp32", True, speedup)


def computes_bf16() -> bool:
    """Tell whether bf16 is worth a trial on this CPU: without fitting instructions it is ten times slower."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def time_step(network: nn.Module, shape: Sequence[int], how: Computation) -> float:
    """Measure a forward and backward pass on the CPU.

    Args:
        network: copied, not changed.
        shape: of a batch, (B, C, *spatial).
        how: precision and layout.

    Returns:
        CPU seconds of the fastest of up to three passes, after one to warm up.
    """
    trial = lay_out(copy.deepcopy(network).train(), how, len(shape))
    x = torch.linspace(0, 1, torch.Size(shape).numel()).reshape(tuple(shape))
    x = x.contiguous(memory_format=_format(len(shape))) if how.channels_last else x
    _pass(trial, x, how)
    times: list[float] = []
    while len(times) < TRIALS and sum(times) < TRIAL_SECONDS:
        times.append(_pass(trial, x, how))
    return min(times)


def _pass(network: nn.Module, x: Tensor, how: Computation) -> float:
    """Time one forward and backward pass."""
    network.zero_grad()
    start = time.process_time()  # not the clock: other programs on a busy machine would decide
    with torch.autocast("cpu", torch.bfloat16, enabled=how.precision == "bf16"):
        logits = network(x)
    logits.float().square().mean().backward()
    return time.process_time() - start


def lay_out(network: nn.Module, how: Computation, axes: int) -> nn.Module:
    """Bring a network's weights to the memory layout of a computation.

    Args:
        network: changed in place.
        how: layout.
        axes: of a batch, 4 or 5.

    Returns:
        The network.
    """
    return network.to(memory_format=_format(axes)) if how.channels_last else network  # type: ignore[call-overload, no-any-return]


def _format(axes: int) -> torch.memory_format:
    return torch.channels_last_3d if axes == 5 else torch.channels_last


def find_device(name: str) -> torch.device:
    """Turn a device's name into a device that is there.

    Args:
        name: "cpu", "cuda" or "cuda:0".

    Returns:
        The device.

    Raises:
        TrainingError: `E_DEVICE`.

    Example:
        >>> find_device("cpu").type
        'cpu'
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise TrainingError("E_DEVICE", f"device must be cpu, cuda or cuda:N, got {name[:20]!r}") from None
    count = torch.cuda.device_count()
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and (device.index or 0) >= count):
        raise TrainingError("E_DEVICE", f"device must be one of this machine ({count} GPU(s)), got {name[:20]!r}")
    return device
