"""Weights of many steps -> one averaged copy: a running average (EMA), or the mean of the last epochs (SWA).

Knows no data. Running means of batch norms are averaged with the weights.
"""

from __future__ import annotations

import torch
from torch import nn

WARM = (1.0, 10.0)  # the running average follows faster at the start: decay (1 + n) / (10 + n)


def decay_at(step: int, decay: float) -> float:
    """Give the decay of the running average at a step.

    Args:
        step: optimiser steps so far.
        decay: the highest.

    Example:
        >>> decay_at(0, 0.99), decay_at(10_000, 0.99)
        (0.1, 0.99)
    """
    return min(decay, (WARM[0] + step) / (WARM[1] + step))


def epochs_averaged(epoch: int, epochs: int, start: float) -> int:
    """Count the epochs that the mean of the last epochs holds before this one.

    Args:
        epoch: from 0, just finished.
        epochs: of the whole training.
        start: share of the training after which the mean begins.

    Returns:
        -1 before it begins: the copy follows the network.

    Example:
        >>> [epochs_averaged(epoch, 8, 0.75) for epoch in (4, 5, 6, 7)]
        [-1, 0, 1, 2]
    """
    first = min(epochs - 1, round(epochs * start) - 1)
    return epoch - first if epoch >= first else -1


@torch.no_grad()
def move_towards(kept: nn.Module, network: nn.Module, share: float) -> None:
    """Move a copy towards a network.

    Args:
        kept: changed in place.
        network: of the same form.
        share: 0 leaves the copy, 1 makes it equal.
    """
    for old, new in zip(kept.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, share)
        else:
            old.copy_(new)
