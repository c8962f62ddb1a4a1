"""A generator -> the random numbers of a batch, one set for each scan.

Knows no change; always draws on the CPU, so that a GPU varies scans alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def spread(values: Tensor, batch: Tensor) -> Tensor:
    """Bring one value for each scan to the batch's number of axes.

    Args:
        values: (B,).
        batch: (B, C, *spatial).

    Returns:
        (B, 1, ...), on the batch's device.
    """
    return values.to(batch.device).view(-1, *[1] * (batch.ndim - 1))


def uniform(shape: tuple[int, ...], highest: float | Tensor, generator: Generator) -> Tensor:
    """Draw numbers in [-highest, highest].

    Args:
        shape: of the result.
        highest: one limit, or one for each of the last axis.
        generator: on the CPU.

    Returns:
        Float32 of that shape, on the CPU.
    """
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * highest


def coin(batch: Tensor, probability: float, generator: Generator) -> Tensor:
    """Choose scans, each with one probability.

    Args:
        batch: (B, C, *spatial).
        probability: in [0, 1].
        generator: on the CPU.

    Returns:
        (B,) bool, on the batch's device.
    """
    return (torch.rand(len(batch), generator=generator) < probability).to(batch.device)


def amount(batch: Tensor, highest: float, probability: float, generator: Generator) -> Tensor:
    """Draw a number in [-highest, highest] for each scan, 0 for those left alone.

    Args:
        batch: (B, C, *spatial).
        highest: limit.
        probability: of not being left alone.
        generator: on the CPU.

    Returns:
        (B, 1, ...), on the batch's device.
    """
    drawn = uniform((len(batch),), highest, generator).to(batch.device)
    return spread(torch.where(coin(batch, probability, generator), drawn, torch.zeros_like(drawn)), batch)


def lowest(batch: Tensor) -> Tensor:
    """Find each scan's smallest value.

    Args:
        batch: (B, C, *spatial).

    Returns:
        (B, 1, ...).
    """
    return spread(batch.flatten(1).amin(1), batch)


def change_some(batch: Tensor, chosen: Tensor, change: Callable[..., Tensor], *about: Tensor) -> Tensor:
    """Change the chosen scans alone, so that no time is lost on the others.

    Args:
        batch: (B, C, *spatial).
        chosen: (B,) bool.
        change: called with some scans and their part of `about`; gives the same shape.
        about: tensors with one entry for each scan.

    Returns:
        Same shape as the batch.

    Example:
        >>> change_some(torch.zeros(2, 1, 1, 1), torch.tensor([False, True]), lambda x: x + 1).flatten()
        tensor([0., 1.])
    """
    rows = chosen.nonzero().flatten()
    if not len(rows):
        return batch
    return batch.index_copy(0, rows, change(batch[rows], *(one[rows] for one in about)))
