"""Batch + labels -> blended scans and blended labels: mixup and cutmix.

Sources: Zhang et al. 2018, arXiv:1710.09412 (mixup); Yun et al. 2019, arXiv:1905.04899 (cutmix). Knows no loss.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from medres.training.augmentation.draws import spread
from medres.training.augmentation.spec import AugmentationSpec


def mix(
    batch: Tensor, labels: Tensor, label_count: int, spec: AugmentationSpec, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Blend each scan of a batch with another one of it, and their labels alike.

    Where both are on, a coin for the whole batch chooses one.

    Args:
        batch: (B, C, *spatial).
        labels: (B,) indices.
        label_count: L.
        spec: parameters of the Beta distributions; 0 is off.
        generator: on the CPU.

    Returns:
        The batch, and what it shows as shares of labels, (B, L) float32, rows of sum 1.

    Example:
        >>> spec = AugmentationSpec(mixup=0.4)
        >>> x, y = mix(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 0, 1]), 2, spec, torch.Generator().manual_seed(0))
        >>> x.shape, y.sum(1).tolist()
        (torch.Size([4, 1, 8, 8]), [1.0, 1.0, 1.0, 1.0])
    """
    targets = functional.one_hot(labels, label_count).float()
    if not (spec.mixup or spec.cutmix) or len(batch) < 2:
        return batch, targets
    is_cut = bool(spec.cutmix) and (not spec.mixup or float(torch.rand(1, generator=generator)) < 0.5)
    shares = _beta(len(batch), spec.cutmix if is_cut else spec.mixup, generator)
    partner = torch.randperm(len(batch), generator=generator).to(batch.device)
    if is_cut:
        inside = _boxes(batch, 1.0 - shares, generator)
        batch = torch.where(inside, batch[partner], batch)
        kept = 1.0 - inside.flatten(1).float().mean(1)
    else:
        kept = shares.to(batch.device)
        batch = spread(kept, batch) * batch + spread(1.0 - kept, batch) * batch[partner]
    kept = kept.view(-1, 1)
    return batch, kept * targets + (1.0 - kept) * targets[partner]


def _beta(count: int, parameter: float, generator: Generator) -> Tensor:
    """Draw shares, (count,), from Beta(a, a): the quotient of two Gamma draws by their sum."""
    shape = torch.full((2, count), parameter)
    first, second = torch._standard_gamma(shape, generator=generator).clamp_min(1e-12)
    shares: Tensor = first / (first + second)
    return shares


def _boxes(batch: Tensor, shares: Tensor, generator: Generator) -> Tensor:
    """Draw a box of a given share of the grid for each scan, cut at the border; `(B, 1, *spatial)` bool."""
    dims = batch.ndim - 2
    inside = torch.ones(len(batch), 1, *batch.shape[2:], dtype=torch.bool, device=batch.device)
    for axis in range(2, batch.ndim):
        length = batch.shape[axis]
        edge = length * shares.view(-1, 1) ** (1.0 / dims)
        middle = length * torch.rand(len(batch), 1, generator=generator)
        place = torch.arange(length) + 0.5
        within = ((place - middle).abs() <= edge / 2).to(batch.device)  # (B, length)
        inside = inside & within.view(len(batch), *[length if a == axis else 1 for a in range(1, batch.ndim)])
    return inside
