"""NetworkSpec -> EfficientNet-B0 to B7 in 2D or 3D.

Knows no weights and no scans. MONAI's pads for one image size that is fixed when it is built; here padding is
symmetric, so that any size is taken and a heatmap's cells lie where they are said to.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from medres.models.layers import Layers, SqueezeExcitation, draw_weights, smallest_edge
from medres.models.network import Network
from medres.models.spec import NetworkSpec

SCALES = {  # width, depth: table of the reference implementation
    "efficientnet_b0": (1.0, 1.0),
    "efficientnet_b1": (1.0, 1.1),
    "efficientnet_b2": (1.1, 1.2),
    "efficientnet_b3": (1.2, 1.4),
    "efficientnet_b4": (1.4, 1.8),
    "efficientnet_b5": (1.6, 2.2),
    "efficientnet_b6": (1.8, 2.6),
    "efficientnet_b7": (2.0, 3.1),
}
PLAN = (  # table 1 of the paper: expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
FIRST, LAST = 32, 1280  # channels of stem and of the last convolution
DIVISOR = 8  # channel counts are multiples of it
SQUEEZE = 4
EPS = 1e-3  # of the batch norms
STAGES = (*(f"stage{n + 1}" for n in range(len(PLAN))), "stage8")


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel alone, weigh the channels, narrow; with a shortcut where the shape stays.

    Args:
        layers: maker.
        into, out: channels.
        expansion: of the channels inside.
        kernel: voxels.
        stride: voxels.

    Source:
        Sandler et al., MobileNetV2, CVPR 2018 (arXiv:1801.04381).
    """

    def __init__(self, layers: Layers, into: int, out: int, *, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = into * expansion
        self.shortcut = stride == 1 and into == out
        self.widen = layers.unit(into, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = layers.unit(wide, wide, kernel, stride=stride, groups=wide)
        self.weigh = SqueezeExcitation(layers, wide, max(1, into // SQUEEZE))
        self.narrow = nn.Sequential(layers.conv(wide, out, 1), layers.normalise(out))

    def forward(self, x: Tensor) -> Tensor:
        """Run the block.

        Args:
            x: (B, into, *spatial) float.

        Returns:
            (B, out, *spatial / stride).
        """
        y = self.narrow(self.weigh(self.depthwise(self.widen(x))))
        return x + y if self.shortcut else y  # type: ignore[no-any-return]


class EfficientNetwork(Network):
    """An EfficientNet; stochastic depth is left out, dropout stands before the head (published: 0.2 to 0.5).

    Args:
        spec: size by name, dimensions, channels, width, stem and norm.

    Source:
        Tan & Le, EfficientNet: rethinking model scaling, ICML 2019 (arXiv:1905.11946).

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="efficientnet_b0", spatial_dims=3, in_channels=1, label_count=2, width=0.25)
        >>> EfficientNetwork(spec)(torch.zeros(2, 1, 32, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage8"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec, eps=EPS, act=nn.SiLU)
        wide, deep = SCALES[spec.name]
        wide *= spec.width
        small = spec.stem == "small"
        into = round_channels(FIRST * wide)
        self.stem = layers.unit(spec.in_channels, into, 3, stride=1 if small else 2)
        for number, (expansion, kernel, published, channels, blocks) in enumerate(PLAN):
            stride = 1 if small and number == 1 else published  # the small stem leaves the first two halvings out
            out, stage = round_channels(channels * wide), nn.Sequential()
            for block in range(math.ceil(blocks * deep)):
                options = {"expansion": expansion, "kernel": kernel, "stride": stride if block == 0 else 1}
                stage.append(InvertedBottleneck(layers, into, out, **options))
                into = out
            setattr(self, STAGES[number], stage)
        last = round_channels(LAST * wide)
        self.stage8 = layers.unit(into, last, 1)
        self.finish(last, spec.label_count, spec.dropout)
        draw_weights(self)


def round_channels(channels: float) -> int:
    """Round to a multiple of 8 that is no more than 10 % less.

    Args:
        channels: scaled.

    Returns:
        At least 8.

    Example:
        >>> round_channels(35.2), round_channels(320 * 1.1)
        (32, 352)
    """
    rounded = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * channels else rounded


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: the map that enters the last halving then holds two cells.
    """
    return smallest_edge(8 if spec.stem == "small" else 32, spec)
