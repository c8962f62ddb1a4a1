"""NetworkSpec -> the layers that the families are made of, in 2D or 3D, with the norm that was asked for.

Knows no architecture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from medres.models.spec import NetworkSpec

CONVOLUTIONS: dict[int, Callable[..., nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORMS: dict[int, Callable[..., nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS: dict[int, Callable[..., nn.Module]] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
MAX_POOLS: dict[int, Callable[..., nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEAN_POOLS: dict[int, Callable[..., nn.Module]] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
MOST_GROUPS = 32  # Wu & He 2018

Kernel = int | tuple[int, ...]


@dataclass(frozen=True)
class Layers:
    """Makes layers of one network.

    Attributes:
        dims: 2 or 3.
        norm: "batch", "group", "instance" or "none".
        width: share of the published channel counts.
        eps: of the batch norms.
        act: kind of activation.
    """

    dims: int
    norm: str
    width: float = 1.0
    eps: float = 1e-5
    act: type[nn.Module] = nn.ReLU

    @classmethod
    def of(cls, spec: NetworkSpec, *, eps: float = 1e-5, act: type[nn.Module] = nn.ReLU) -> Layers:
        """Take dimensions, norm and width from a spec.

        Args:
            spec: of the network.
            eps: of the batch norms.
            act: kind of activation.

        Returns:
            The maker.
        """
        return cls(spec.spatial_dims, spec.norm, spec.width, eps, act)

    def scaled(self, channels: int) -> int:
        """Give this network's share of a published channel count.

        Args:
            channels: as published.

        Returns:
            At least 1.

        Example:
            >>> Layers(2, "batch", width=0.5).scaled(64)
            32
        """
        return max(1, round(channels * self.width))

    def conv(
        self,
        into: int,
        out: int,
        kernel: Kernel,
        *,
        stride: int = 1,
        padding: Kernel | None = None,
        groups: int = 1,
        bias: bool = False,
    ) -> nn.Module:
        """Make a convolution.

        Args:
            into: channels that enter.
            out: channels that leave.
            kernel: voxels along all axes, or along each.
            stride: voxels.
            padding: voxels; None keeps the size at stride 1.
            groups: of channels that do not see each other.
            bias: with one.

        Returns:
            The layer.
        """
        sizes = (kernel,) * self.dims if isinstance(kernel, int) else kernel
        border = tuple(k // 2 for k in sizes) if padding is None else padding
        return CONVOLUTIONS[self.dims](into, out, sizes, stride=stride, padding=border, groups=groups, bias=bias)

    def normalise(self, channels: int) -> nn.Module:
        """Make a norm.

        Args:
            channels: of the map.

        Returns:
            The layer; nothing where the norm is "none".
        """
        if self.norm == "group":
            return nn.GroupNorm(group_count(channels), channels)
        if self.norm == "instance":
            return INSTANCE_NORMS[self.dims](channels, affine=True)
        return nn.Identity() if self.norm == "none" else BATCH_NORMS[self.dims](channels, eps=self.eps)

    def unit(
        self, into: int, out: int, kernel: Kernel, *, stride: int = 1, padding: Kernel | None = None, groups: int = 1
    ) -> nn.Sequential:
        """Make convolution, norm, activation.

        Args:
            into: channels that enter.
            out: channels that leave.
            kernel: voxels.
            stride: voxels.
            padding: voxels; None keeps the size at stride 1.
            groups: of channels.

        Returns:
            The three in a row, named conv, norm and act.
        """
        found = nn.Sequential()
        found.add_module("conv", self.conv(into, out, kernel, stride=stride, padding=padding, groups=groups))
        found.add_module("norm", self.normalise(out))
        found.add_module("act", self.act())
        return found

    def line_kernels(self, length: int) -> tuple[tuple[int, ...], ...]:
        """List kernels that are long along one axis each, the last axis first.

        Args:
            length: voxels.

        Returns:
            One kernel for each axis.

        Example:
            >>> Layers(2, "batch").line_kernels(7)
            ((1, 7), (7, 1))
        """
        return tuple(tuple(length if a == axis else 1 for a in range(self.dims)) for axis in reversed(range(self.dims)))

    def max_pool(self, kernel: int, stride: int, padding: int = 0) -> nn.Module:
        """Make a pool that keeps the largest.

        Args:
            kernel: voxels.
            stride: voxels.
            padding: voxels.

        Returns:
            The layer.
        """
        return MAX_POOLS[self.dims](kernel, stride, padding)

    def mean_pool(self, kernel: int, stride: int, padding: int = 0, *, count_padding: bool = True) -> nn.Module:
        """Make a pool that takes the mean.

        Args:
            kernel: voxels.
            stride: voxels.
            padding: voxels.
            count_padding: padding counts as zeros.

        Returns:
            The layer.
        """
        if self.dims == 3 and padding and count_padding:  # torch's own padding refuses maps smaller than the kernel
            return nn.Sequential(nn.ConstantPad3d(padding, 0.0), nn.AvgPool3d(kernel, stride))
        return MEAN_POOLS[self.dims](kernel, stride, padding, count_include_pad=count_padding)


class Parallel(nn.ModuleList):
    """Branches on one map, their channels side by side."""

    def forward(self, x: Tensor) -> Tensor:
        """Run every branch.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, sum of the branches' channels, *spatial).
        """
        return torch.cat([branch(x) for branch in self], dim=1)


class SqueezeExcitation(nn.Module):
    """Weigh channels by what the whole map holds.

    Args:
        layers: maker.
        channels: of the map.
        squeezed: of the narrow layer.

    Source:
        Hu et al., Squeeze-and-excitation networks, CVPR 2018 (arXiv:1709.01507).
    """

    def __init__(self, layers: Layers, channels: int, squeezed: int) -> None:
        super().__init__()
        self.narrow = layers.conv(channels, squeezed, 1, bias=True)
        self.act = layers.act()
        self.widen = layers.conv(squeezed, channels, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, F, *spatial).
        """
        mean = x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)  # (B, F, 1, ...)
        return x * torch.sigmoid(self.widen(self.act(self.narrow(mean))))


def group_count(channels: int) -> int:
    """Find the largest number of groups up to 32 that divides a number of channels.

    Args:
        channels: at least 1.

    Returns:
        Groups.

    Example:
        >>> group_count(48), group_count(7)
        (24, 7)
    """
    return max(n for n in range(1, min(MOST_GROUPS, channels) + 1) if channels % n == 0)


def monai_norm(norm: str, channels: int) -> str | tuple[str, dict[str, Any]]:
    """Name a norm as MONAI does.

    Args:
        norm: "batch", "group" or "instance".
        channels: that every map's channels are a multiple of; they decide the number of groups.

    Returns:
        What MONAI's blocks take.

    Example:
        >>> monai_norm("group", 64)
        ('group', {'num_groups': 32, 'affine': True})
    """
    if norm == "group":
        return "group", {"num_groups": group_count(channels), "affine": True}
    return ("instance", {"affine": True}) if norm == "instance" else "batch"


def draw_weights(network: nn.Module) -> None:
    """Draw the weights of convolutions as He et al. 2015 do, and set biases to nothing.

    Args:
        network: changed in place.

    Source:
        He et al., Delving deep into rectifiers, ICCV 2015 (arXiv:1502.01852).
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def smallest_edge(stride: int, spec: NetworkSpec) -> int:
    """Name the least number of voxels along an axis for a network whose last map has a stride.

    Args:
        stride: voxels of the input for one cell of the last map.
        spec: its norm decides.

    Returns:
        Voxels: the map that enters the last halving holds two cells; with instance norm, whose spread needs two, the
        map that leaves it.

    Example:
        >>> smallest_edge(32, NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=2))
        17
    """
    return stride + 1 if spec.norm == "instance" else stride // 2 + 1
