"""NetworkSpec -> Inception-ResNet-v2 in 2D or 3D: Inception's branches with a shortcut around each block.

Knows no weights and no scans. MONAI has no Inception. Kernels as in `inception.py`.
"""

from __future__ import annotations

from torch import Tensor, nn

from medres.models.inception import Block, chain, lines, make_stem, stack, total
from medres.models.layers import Layers, Parallel, draw_weights
from medres.models.network import Network
from medres.models.spec import NetworkSpec

EPS = 1e-3  # of the batch norms
LAST_CHANNELS = 1536
SCALES = {"block35": 0.17, "block17": 0.10, "block8": 0.20, "last": 1.0}  # of the branch before it is added


class ResidualInception(nn.Module):
    """Add scaled branches to their input.

    Args:
        layers: maker.
        branches: side by side.
        inner: channels of the branches together.
        channels: of the input.
        scale: factor on the branches, section 3.3 of the paper.
        last: without activation after it.
    """

    def __init__(
        self, layers: Layers, branches: nn.Module, inner: int, channels: int, *, scale: float, last: bool = False
    ) -> None:
        super().__init__()
        self.scale = scale
        self.branches = branches
        self.gather = layers.conv(inner, channels, 1, bias=True)
        self.act = nn.Identity() if last else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Add the branches.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, F, *spatial).
        """
        return self.act(x + self.scale * self.gather(self.branches(x)))  # type: ignore[no-any-return]


class InceptionResidualNetwork(Network):
    """An Inception-ResNet-v2.

    Args:
        spec: dimensions, channels, width, stem and norm.

    Source:
        Szegedy et al., Inception-v4, Inception-ResNet and the impact of residual connections on learning, AAAI 2017
        (arXiv:1602.07261).

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="inception_resnet_v2", spatial_dims=2, in_channels=1, label_count=2, width=0.125)
        >>> InceptionResidualNetwork(spec)(torch.zeros(2, 1, 75, 75)).shape
        torch.Size([2, 2])
    """

    stages = ("stage1", "stage2", "stage3")
    cam_layer = "stage3"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec, eps=EPS)
        self.stem = make_stem(layers, spec)
        self.stage1, channels = stack(layers, layers.scaled(192), [_mixed, *[_block35] * 10])
        self.stage2, channels = stack(layers, channels, [_halve, *[_block17] * 20])
        last = [_block8("block8")] * 9 + [_block8("last"), _gather]
        self.stage3, channels = stack(layers, channels, [_halve_again, *last])
        self.finish(channels, spec.label_count, spec.dropout)
        draw_weights(self)


def _mixed(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the block between the stem and the residual ones."""
    branches = [
        chain(layers, n, (96, 1)),
        chain(layers, n, (48, 1), (64, 5)),
        chain(layers, n, (64, 1), (96, 3), (96, 3)),
        nn.Sequential(layers.mean_pool(3, 1, 1, count_padding=False), chain(layers, n, (64, 1))),
    ]
    return Parallel(branches), total(layers, 96, 64, 96, 64)


def _block35(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the residual block of the finest grid (35 x 35 cells as published)."""
    branches = [
        chain(layers, n, (32, 1)),
        chain(layers, n, (32, 1), (32, 3)),
        chain(layers, n, (32, 1), (48, 3), (64, 3)),
    ]
    return ResidualInception(layers, Parallel(branches), total(layers, 32, 32, 64), n, scale=SCALES["block35"]), n


def _halve(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the grid's first halving."""
    branches = [
        chain(layers, n, (384, 3), stride=2),
        chain(layers, n, (256, 1), (256, 3), (384, 3), stride=2),
        layers.max_pool(3, 2),
    ]
    return Parallel(branches), n + total(layers, 384, 384)


def _block17(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the residual block of the middle grid (17 x 17 cells as published)."""
    branches = [chain(layers, n, (192, 1)), chain(layers, n, (128, 1), *lines(layers, (160, 192), 7))]
    return ResidualInception(layers, Parallel(branches), total(layers, 192, 192), n, scale=SCALES["block17"]), n


def _halve_again(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the grid's second halving."""
    branches = [
        chain(layers, n, (256, 1), (384, 3), stride=2),
        chain(layers, n, (256, 1), (288, 3), stride=2),
        chain(layers, n, (256, 1), (288, 3), (320, 3), stride=2),
        layers.max_pool(3, 2),
    ]
    return Parallel(branches), n + total(layers, 384, 288, 320)


def _block8(kind: str) -> Block:
    """Make the residual block of the coarsest grid (8 x 8 cells as published); the last one has no activation."""

    def make(layers: Layers, n: int) -> tuple[nn.Module, int]:
        """Put the branches side by side, their sum beside the input."""
        branches = Parallel([chain(layers, n, (192, 1)), chain(layers, n, (192, 1), *lines(layers, (224, 256), 3))])
        inner = total(layers, 192, 256)
        return ResidualInception(layers, branches, inner, n, scale=SCALES[kind], last=kind == "last"), n

    return make


def _gather(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the last 1 x 1 convolution."""
    return chain(layers, n, (LAST_CHANNELS, 1)), layers.scaled(LAST_CHANNELS)
