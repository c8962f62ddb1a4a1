"""A batch of views -> which of them must be computed: all air is alike, and is computed once.

Knows tensors only. A CT cut to a window is one value wherever there is air; of a scan in patches that is a good part.
"""

from __future__ import annotations

import torch
from torch import Tensor


def find_unlike(batch: Tensor) -> tuple[Tensor, Tensor]:
    """Find the views to compute; of all views that hold one same value everywhere, the first stands for the others.

    Args:
        batch: (V, C, *spatial).

    Returns:
        (places of the views to compute (n,), for each view which of these stands for it (V,)).

    Example:
        >>> rows, same = find_unlike(torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0], [3.0, 3.0]])[:, None])
        >>> rows.tolist(), same.tolist()
        ([0, 1, 3], [0, 1, 0, 2])
    """
    lowest, highest = (torch.stack([end(view) for view in batch]) for end in (torch.amin, torch.amax))  # (V,) each
    first: dict[float, int] = {}
    stands = [
        first.setdefault(value, number) if flat else number
        for number, (value, flat) in enumerate(zip(lowest.tolist(), (lowest == highest).tolist(), strict=True))
    ]
    rows = sorted(set(stands))
    place = {number: index for index, number in enumerate(rows)}
    return torch.tensor(rows), torch.tensor([place[number] for number in stands])
