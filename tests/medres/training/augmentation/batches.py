"""Batches and generators for the tests of augmentation."""

from __future__ import annotations

import torch

SHAPES = {2: (12, 16), 3: (12, 16, 10)}


def generator(seed: int = 0) -> torch.Generator:
    """Give a generator on the CPU."""
    return torch.Generator().manual_seed(seed)


def batch_of(dims: int, count: int = 4) -> torch.Tensor:
    """Give scans of two channels of noise, (count, 2, *spatial) in [0, 1)."""
    return torch.rand(count, 2, *SHAPES[dims], generator=generator(9))
