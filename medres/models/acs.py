"""3D network -> the same network on ACS convolutions: 2D kernels, a third of the filters along each axis.

Knows no weights. A network on ACS convolutions has the weights of its 2D twin, name by name and shape by shape, so that
what was learnt on pictures is loaded as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from medres.errors import ModelError

AXES = 3


class ACSConv3d(nn.Conv3d):
    """A convolution of a volume with 2D kernels.

    The first third of the filters lies across the last axis of the tensor, the second across the middle one, the last
    across the first.

    Args:
        plain: the convolution whose place it takes; its kernel is as long along every axis.

    Source:
        Yang et al., Reinventing 2D convolutions for 3D images, IEEE JBHI 2021 (arXiv:1911.10477).

    Example:
        >>> ACSConv3d(nn.Conv3d(4, 6, 3, padding=1)).weight.shape
        torch.Size([6, 4, 3, 3])
    """

    def __init__(self, plain: nn.Conv3d) -> None:
        edges = {*plain.kernel_size}
        if len(edges) > 1:
            size = " x ".join(map(str, plain.kernel_size))
            told = f"ACS convolutions need kernels as long along every axis, got {size}"
            raise ModelError("E_NETWORK_OPTION", told, 'use convolution = "plain", or a network without such kernels')
        settings: dict[str, Any] = {name: getattr(plain, name) for name in ("stride", "padding", "dilation", "groups")}
        channels = (plain.in_channels, plain.out_channels)
        super().__init__(*channels, min(edges), **settings, bias=plain.bias is not None, device="meta")
        self.weight = nn.Parameter(plain.weight.detach()[..., 0].clone())  # (out, in / groups, k, k), of this spread
        self.bias = plain.bias
        self.edge = int(plain.kernel_size[0])

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, out, *spatial / stride).
        """
        return functional.conv3d(x, self.kernel(), self.bias, self.stride, self.padding, self.dilation, self.groups)

    def kernel(self) -> Tensor:
        """Lay the 2D kernels into cubes.

        Returns:
            (out, in / groups, k, k, k), zero outside each filter's plane.
        """
        before, after = self.edge // 2, (self.edge - 1) // 2
        parts: list[Tensor] = []
        for part, axis in zip(self.weight.transpose(2, 3).tensor_split(AXES), (4, 3, 2), strict=True):
            border = [0] * 6  # (before, after) of the last axis, of the one before it, ...
            border[2 * (4 - axis)], border[2 * (4 - axis) + 1] = before, after
            parts.append(functional.pad(part.unsqueeze(axis), border))
        return torch.cat(parts)


def use_acs(network: nn.Module) -> nn.Module:
    """Put ACS convolutions in the place of all 3D ones.

    Args:
        network: in 3D; changed in place.

    Returns:
        The network.

    Raises:
        ModelError: E_NETWORK_OPTION for a network with kernels that are longer along one axis than another.
    """
    for name, module in network.named_children():
        if isinstance(module, nn.Conv3d):
            setattr(network, name, ACSConv3d(module))
        else:
            use_acs(module)
    return network
