"""Network + training batches -> the loss at rising learning rates, and the rate to begin with.

A sweep of a few dozen steps on a copy; nothing is kept of it but the curve. Knows no file.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from medres.errors import TrainingError

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 60
SMOOTH = 0.8  # share of the running loss that is kept at each step
TOO_HIGH = 3.0  # the sweep ends where the loss is this many times its lowest
SAFE = 0.1  # share of the rate with the lowest loss that is still safe


@dataclass(frozen=True)
class RateSweep:
    """The loss at rising rates.

    Attributes:
        rates: of each step.
        losses: smoothed.
        chosen: a tenth of the rate with the lowest loss.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    chosen: float


def find_rate(
    network: nn.Module, batches: Callable[[int], tuple[Tensor, Tensor]], weights: Tensor | None = None
) -> RateSweep:
    """Sweep the learning rate of AdamW from 1e-6 to 1.

    Args:
        network: copied, not changed.
        batches: step -> (tensor (B, C, *spatial), labels (B,)).
        weights: (L,) of the classes, or None.

    Returns:
        The sweep.

    Raises:
        TrainingError: `E_TRAIN_NAN` where not even the first losses are finite.

    Source:
        Smith, Cyclical learning rates, WACV 2017 (arXiv:1506.01186), section 3.3.
    """
    trial = copy.deepcopy(network).train()
    optimiser = torch.optim.AdamW(trial.parameters(), lr=LOWEST)
    criterion = nn.CrossEntropyLoss(weights)
    rates: list[float] = []
    losses: list[float] = []
    for step in range(STEPS):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        optimiser.param_groups[0]["lr"] = rate
        x, labels = batches(step)
        loss = criterion(trial(x), labels)
        if not math.isfinite(float(loss.detach())):
            break
        losses.append(SMOOTH * losses[-1] + (1 - SMOOTH) * float(loss.detach()) if losses else float(loss.detach()))
        rates.append(rate)
        if losses[-1] > TOO_HIGH * min(losses):
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if len(rates) < 2:
        told = f"the loss must be finite at a learning rate of {LOWEST:g}, got {len(rates)} such step(s)"
        raise TrainingError("E_TRAIN_NAN", told)
    return RateSweep(tuple(rates), tuple(losses), SAFE * rates[losses.index(min(losses))])
