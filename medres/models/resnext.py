"""NetworkSpec -> ResNeXt or SE-ResNeXt in 2D or 3D: residual networks whose bottlenecks work in groups of channels.

Knows no weights and no scans. State dicts carry torchvision's names, as in `resnet.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from monai.networks.nets.resnet import ResNetBottleneck
from torch import Tensor

from medres.models.layers import Layers, SqueezeExcitation
from medres.models.resnet import Plan, ResidualNetwork

BASE_PLANES = 64  # planes at which the published width of a group stands
SQUEEZE = 16  # Hu et al. 2018, section 6.4


class GroupedBottleneck(ResNetBottleneck):
    """A bottleneck whose 3-wide convolution works in groups.

    Attributes:
        groups: of channels that do not see each other.
        group_width: channels of one group in the first stage.
    """

    groups: ClassVar[int] = 32
    group_width: ClassVar[int] = 4

    def __init__(self, in_planes: int, planes: int, spatial_dims: int = 3, stride: int = 1, **options: Any) -> None:
        super().__init__(in_planes, planes, spatial_dims, stride, **options)
        layers = Layers(spatial_dims, "batch")
        width = self.groups * max(1, round(self.group_width * planes / BASE_PLANES))
        self.conv1 = layers.conv(in_planes, width, 1)
        self.bn1 = self._norm(options, spatial_dims, width)
        self.conv2 = layers.conv(width, width, 3, stride=stride, groups=self.groups)
        self.bn2 = self._norm(options, spatial_dims, width)
        self.conv3 = layers.conv(width, planes * self.expansion, 1)

    @staticmethod
    def _norm(options: dict[str, Any], dims: int, width: int) -> torch.nn.Module:
        """Make the norm that MONAI was told of, for another number of channels."""
        told = options.get("norm", "batch")
        return Layers(dims, told if isinstance(told, str) else told[0]).normalise(width)


class Grouped32x8(GroupedBottleneck):
    """Thirty-two groups of eight channels."""

    group_width = 8


class Grouped64x4(GroupedBottleneck):
    """Sixty-four groups of four channels."""

    groups = 64


class SqueezedBottleneck(GroupedBottleneck):
    """Thirty-two groups of four channels, then channels weighed by what the whole map holds."""

    def __init__(self, in_planes: int, planes: int, spatial_dims: int = 3, stride: int = 1, **options: Any) -> None:
        super().__init__(in_planes, planes, spatial_dims, stride, **options)
        channels = planes * self.expansion
        self.se = SqueezeExcitation(Layers(spatial_dims, "batch"), channels, max(1, channels // SQUEEZE))

    def forward(self, x: Tensor) -> Tensor:
        """Add the weighed branch to the shortcut.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, planes * 4, *spatial / stride).
        """
        y = self.act(self.bn1(self.conv1(x)))
        y = self.act(self.bn2(self.conv2(y)))
        y = self.se(self.bn3(self.conv3(y)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.act(y + shortcut)  # type: ignore[no-any-return]


PLANS: dict[str, Plan] = {
    "resnext50_32x4d": (GroupedBottleneck, (3, 4, 6, 3)),
    "resnext101_32x8d": (Grouped32x8, (3, 4, 23, 3)),
    "resnext101_64x4d": (Grouped64x4, (3, 4, 23, 3)),
    "seresnext50": (SqueezedBottleneck, (3, 4, 6, 3)),
    "seresnext101": (SqueezedBottleneck, (3, 4, 23, 3)),
}


class GroupedNetwork(ResidualNetwork):
    """A ResNeXt or SE-ResNeXt.

    Args:
        spec: as `ResidualNetwork` takes it.

    Source:
        Xie et al., Aggregated residual transformations, CVPR 2017 (arXiv:1611.05431); Hu et al. 2018
        (arXiv:1709.01507).

    Example:
        >>> from medres.models.spec import NetworkSpec
        >>> spec = NetworkSpec(name="resnext50_32x4d", spatial_dims=2, in_channels=1, label_count=3, width=0.25)
        >>> GroupedNetwork(spec)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 3])
    """

    plans = PLANS
