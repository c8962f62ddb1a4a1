"""Logits + targets -> the loss of each scan, and what their sum is divided by.

Sum and divisor apart, so that several processes (or a bag of views) give the loss of one batch. Knows no network.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def classification_loss(
    logits: Tensor, targets: Tensor, weights: Tensor | None, *, smoothing: float = 0.0, gamma: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Compute cross-entropy or focal loss.

    Args:
        logits: (B, L).
        targets: labels (B,), or shares of labels (B, L) float.
        weights: (L,) of the classes, or None.
        smoothing: share of the target spread over all labels.
        gamma: of the focal loss; 0 is cross-entropy.

    Returns:
        (sum over the batch, divisor): the weights of the targets, or the scans where targets are shares.

    Source:
        Lin et al., Focal loss for dense object detection, ICCV 2017 (arXiv:1708.02002).

    Example:
        >>> total, divisor = classification_loss(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]), None)
        >>> round(float(total / divisor), 3)
        0.693
    """
    rows = functional.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=smoothing)
    if gamma:
        chances = logits.softmax(dim=1)
        right = chances.gather(1, targets[:, None])[:, 0] if targets.ndim == 1 else (chances * targets).sum(dim=1)
        rows = (1.0 - right) ** gamma * rows
    if targets.ndim == 1 and weights is not None:
        return rows.sum(), weights[targets].sum()
    return rows.sum(), torch.tensor(float(len(rows)), device=rows.device)


def class_weights(counts: tuple[int, ...], balance: str) -> Tensor | None:
    """Give each class the weight n / (L n_class), or none.

    Args:
        counts: (L,), training scans of each class.
        balance: "weights" or another word.

    Example:
        >>> class_weights((30, 10), "weights")
        tensor([0.6667, 2.0000])
    """
    if balance != "weights":
        return None
    numbers = torch.tensor(counts, dtype=torch.float32)
    return numbers.sum() / (len(numbers) * numbers)
