"""Weights of one shape -> weights of another that answer the same: other input channels, pictures to volumes.

Knows tensors; knows neither files nor networks.
"""

from __future__ import annotations

from torch import Tensor


def adapt_stem(weight: Tensor, channels: int) -> Tensor:
    """Give the first convolution another number of input channels, its response to grey input unchanged.

    Args:
        weight: (out, in, *kernel).
        channels: wanted input channels; 1 sums those that are there, more repeat their mean.

    Returns:
        (out, channels, *kernel); on an input whose channels are all alike the response is as before.

    Example:
        >>> import torch
        >>> float(adapt_stem(torch.ones(1, 3, 1, 1), 2).sum())
        3.0
    """
    total = weight.sum(dim=1, keepdim=True)  # (out, 1, *kernel)
    return total.repeat(1, channels, *[1] * (weight.ndim - 2)) / channels


def inflate(weight: Tensor, depth: int) -> Tensor:
    """Repeat a 2D kernel along the third axis, its response to a volume that is constant along it unchanged.

    A picture's tensor is (rows, columns) = (j, i), a volume's (i, j, k): the kernel is turned accordingly.

    Args:
        weight: (out, in, rows, columns).
        depth: voxels of the kernel along k.

    Returns:
        (out, in, columns, rows, depth).

    Source:
        Carreira & Zisserman, Quo vadis, action recognition?, CVPR 2017 (arXiv:1705.07750), section 2.4.

    Example:
        >>> import torch
        >>> inflate(torch.ones(1, 1, 3, 3), 3).sum()
        tensor(9.)
    """
    turned = weight.transpose(2, 3).unsqueeze(4)  # (out, in, columns, rows, 1)
    return turned.repeat(1, 1, 1, 1, depth) / depth
