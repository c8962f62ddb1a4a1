"""Embeddings of a scan's views -> how much each view counts: learnt (gated attention), with the weights of the model.

The head is linear, so the logits of the weighted mean embedding are the weighted mean of the views' logits; both come
out of one pass, view by view.

Source: Ilse et al., Attention-based deep multiple instance learning, ICML 2018 (arXiv:1802.04712), equation 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

WIDTH = 64  # hidden units


class GatedAttention(nn.Module):
    """Score views by their embedding.

    Args:
        features: F.
        width: hidden units.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.content = nn.Linear(features, width)
        self.gate = nn.Linear(features, width)
        self.score = nn.Linear(width, 1)

    def forward(self, embedding: Tensor) -> Tensor:
        """Give one score for each view; a softmax over a scan's views makes weights of them.

        Args:
            embedding: (B, F).

        Returns:
            (B,).
        """
        scores: Tensor = self.score(torch.tanh(self.content(embedding)) * torch.sigmoid(self.gate(embedding)))  # (B, 1)
        return scores[:, 0]


def ask_network(network: Any, x: Tensor) -> dict[str, Tensor]:
    """Run a network once and name all it gives.

    Args:
        network: of the registry.
        x: (B, C, *spatial).

    Returns:
        "logits" (B, L), "embedding" (B, F) and, of a network with attention, "attention" (B,).
    """
    embedding = network.embed(x)
    found = {"logits": network.classify(embedding), "embedding": embedding}
    attention = getattr(network, "attention", None)
    return found if attention is None else found | {"attention": attention(embedding)}


def weigh_views(scores: ArrayLike) -> NDArray[np.float64]:
    """Turn the scores of one scan's views into weights.

    Args:
        scores: (V,).

    Returns:
        (V,), in [0, 1], sums to 1.

    Example:
        >>> weigh_views([0.0, 0.0])
        array([0.5, 0.5])
    """
    values = np.asarray(scores, float)
    raised = np.exp(values - values.max())
    return np.asarray(raised / raised.sum())


def pool_bags(logits: Tensor, scores: Tensor, bags: Tensor) -> tuple[Tensor, Tensor]:
    """Make one row of logits for each scan of a batch.

    Args:
        logits: (B, L), of views.
        scores: (B,), of `GatedAttention`.
        bags: (B,), which scan each view belongs to.

    Returns:
        (logits (S, L), first view of each scan (S,)), scans in rising order.

    Example:
        >>> pooled, first = pool_bags(torch.tensor([[0.0], [2.0], [5.0]]), torch.zeros(3), torch.tensor([7, 7, 9]))
        >>> pooled.tolist(), first.tolist()
        ([[1.0], [5.0]], [0, 2])
    """
    names, place = torch.unique(bags, return_inverse=True)
    apart = torch.where(place[None, :] == torch.arange(len(names), device=bags.device)[:, None], scores, -torch.inf)
    weights = apart.softmax(dim=1)  # (S, B)
    first = (place[None, :] == torch.arange(len(names), device=bags.device)[:, None]).int().argmax(dim=1)
    return weights @ logits, first
