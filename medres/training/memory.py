"""Network + shape of a batch -> the memory that its training takes, before it is taken.

Counts what the backward pass keeps on torch's "meta" device: shapes are computed, nothing is allocated.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor, nn

from medres.errors import TrainingError

BYTES = 4  # fp32
COPIES = 4  # weights, gradients and AdamW's two moments
SLACK = 1.3  # convolution workspaces, augmentation, fragments
USABLE = 0.8  # share of the free memory that a training may plan for
FEWEST = 2  # scans of a batch


@dataclass(frozen=True)
class MemoryNeed:
    """What a training takes.

    Attributes:
        fixed: bytes, whatever the batch.
        per_scan: bytes for each scan (or view) of a batch.
    """

    fixed: int
    per_scan: int

    def total(self, batch: int) -> int:
        """Bytes with a batch of this size."""
        return self.fixed + batch * self.per_scan


def measure_need(network: nn.Module, shape: Sequence[int], *, averaged: bool = False) -> MemoryNeed:
    """Count the memory of one training step.

    Args:
        network: not changed.
        shape: (C, *spatial) of one scan or view.
        averaged: a second copy of the weights is kept.

    Returns:
        The need, on the safe side for bf16.

    Example:
        >>> need = measure_need(nn.Conv2d(1, 8, 3), (1, 32, 32))
        >>> need.total(4) > need.total(2) > 0
        True
    """
    weights = sum(parameter.numel() for parameter in network.parameters()) * BYTES
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        """Count a tensor that the backward pass keeps, each storage once."""
        saved[tensor.untyped_storage()._cdata] = tensor.numel() * tensor.element_size()
        return tensor

    trial = copy.deepcopy(network).to("meta").train()
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        trial(torch.empty((FEWEST, *shape), device="meta", requires_grad=True))
    kept = max(0, sum(saved.values()) - weights) / FEWEST
    own = torch.Size(shape).numel() * BYTES * 3  # the scan, its varied copy and their gradient
    return MemoryNeed(int(weights * (COPIES + averaged)), int(SLACK * (kept + own)))


def free_memory(device: torch.device) -> int:
    """Give the bytes that are free on a device.

    Args:
        device: CPU or CUDA.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def fitting_batch(need: MemoryNeed, free: int) -> int:
    """Give the largest batch that fits, 0 where none does.

    Args:
        need: of the network.
        free: bytes.

    Example:
        >>> fitting_batch(MemoryNeed(100, 10), 1000)
        70
    """
    found = int((USABLE * free - need.fixed) // max(1, need.per_scan))
    return found if found >= FEWEST else 0


def check_memory(need: MemoryNeed, batch: int, shape: Sequence[int], free: int) -> None:
    """Refuse a training that cannot fit, and name the size that would.

    Args:
        need: of the network with scans of this shape.
        batch: scans of a step.
        shape: (C, *spatial) of one scan.
        free: bytes.

    Raises:
        TrainingError: `E_TRAIN_MEMORY`.
    """
    if need.total(batch) <= USABLE * free:
        return
    usable, needed = USABLE * free / 1e9, need.total(batch) / 1e9
    told = f"a step of {batch} must fit {usable:.3g} GB of memory, got a need of {needed:.3g} GB"
    fits = fitting_batch(need, free)
    if fits:
        raise TrainingError("E_TRAIN_MEMORY", told, f"batch_size = {fits} fits")
    left = (USABLE * free - need.fixed) / FEWEST
    if left <= 0:
        raise TrainingError("E_TRAIN_MEMORY", told, "its weights alone do not fit: choose a smaller network or width")
    shrink = min(1.0, left / need.per_scan) ** (1.0 / (len(shape) - 1))
    smaller = " x ".join(str(max(1, int(n * shrink))) for n in shape[1:])
    raise TrainingError("E_TRAIN_MEMORY", told, f"with batch_size = {FEWEST} a size of about {smaller} fits")
