"""NetworkSpec -> CSPDarknet in 2D or 3D: the backbone of the YOLO detectors as a classifier.

Knows no weights and no scans. Written from the papers; MONAI has none.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from medres.models.layers import Layers, draw_weights, smallest_edge
from medres.models.network import Network
from medres.models.spec import NetworkSpec

FIRST = 32  # channels of the stem
PLAN = ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))  # channels, residual blocks: YOLOv4, CSPDarknet53
STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5")
UNHALVED = 2  # first stages that the small stem leaves at full size


class DarknetBlock(nn.Module):
    """Two convolutions with a shortcut.

    Args:
        layers: maker.
        channels: of the map.
        inner: between the two.
    """

    def __init__(self, layers: Layers, channels: int, inner: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(layers.unit(channels, inner, 1), layers.unit(inner, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, F, *spatial).
        """
        return x + self.branch(x)  # type: ignore[no-any-return]


class PartialStage(nn.Module):
    """Halve the map; send one half of the channels through residual blocks and the other past them.

    Args:
        layers: maker.
        into, out: channels.
        blocks: residual blocks.
        stride: 2 as published.
        whole: both ways carry all channels, as in the first stage of CSPDarknet53.

    Source:
        Wang et al., CSPNet, CVPR Workshops 2020 (arXiv:1911.11929).
    """

    def __init__(self, layers: Layers, into: int, out: int, blocks: int, *, stride: int, whole: bool) -> None:
        super().__init__()
        part = out if whole else max(1, out // 2)
        inner = max(1, out // 2)
        self.halve = layers.unit(into, out, 3, stride=stride)
        self.past = layers.unit(out, part, 1)
        self.through = nn.Sequential(
            layers.unit(out, part, 1),
            *[DarknetBlock(layers, part, inner) for _ in range(blocks)],
            layers.unit(part, part, 1),
        )
        self.join = layers.unit(2 * part, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Run the stage.

        Args:
            x: (B, into, *spatial) float.

        Returns:
            (B, out, *spatial / stride).
        """
        x = self.halve(x)
        return self.join(torch.cat([self.through(x), self.past(x)], dim=1))  # type: ignore[no-any-return]


class PartialNetwork(Network):
    """A CSPDarknet53.

    Args:
        spec: dimensions, channels, width, stem and norm.

    Source:
        Bochkovskiy et al., YOLOv4, 2020 (arXiv:2004.10934), with SiLU in the place of Mish.

    Example:
        >>> spec = NetworkSpec(name="cspdarknet53", spatial_dims=2, in_channels=1, label_count=2, width=0.125)
        >>> PartialNetwork(spec)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage5"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec, act=nn.SiLU)
        into = layers.scaled(FIRST)
        self.stem = layers.unit(spec.in_channels, into, 3)
        for number, (channels, blocks) in enumerate(PLAN):
            stride = 1 if spec.stem == "small" and number < UNHALVED else 2
            out = layers.scaled(channels)
            stage = PartialStage(layers, into, out, blocks, stride=stride, whole=number == 0)
            setattr(self, STAGES[number], stage)
            into = out
        self.finish(into, spec.label_count, spec.dropout)
        draw_weights(self)


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: the map that enters the last stage then holds two cells.
    """
    return smallest_edge(8 if spec.stem == "small" else 32, spec)
