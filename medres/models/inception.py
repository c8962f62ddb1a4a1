"""NetworkSpec -> Inception-v3 in 2D or 3D, without its auxiliary head.

Knows no weights and no scans. MONAI has no Inception. A pair of kernels 1 x n and n x 1 becomes one kernel for each
axis, so that in 3D every axis is looked along, not two of three.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from medres.models.layers import Layers, Parallel, draw_weights
from medres.models.network import Network
from medres.models.spec import NetworkSpec

EPS = 1e-3  # of the batch norms
STAGES = ("stage1", "stage2", "stage3")

Step = tuple[int, int | tuple[int, ...]]  # published channels, kernel
Block = Callable[[Layers, int], tuple[nn.Module, int]]  # (layers, channels in) -> block, channels out


class InceptionNetwork(Network):
    """An Inception-v3.

    Args:
        spec: dimensions, channels, width, stem and norm.

    Source:
        Szegedy et al., Rethinking the Inception architecture, CVPR 2016 (arXiv:1512.00567).

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="inception_v3", spatial_dims=2, in_channels=1, label_count=2, width=0.125)
        >>> InceptionNetwork(spec)(torch.zeros(2, 1, 75, 75)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage3"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec, eps=EPS)
        self.stem = make_stem(layers, spec)
        self.stage1, channels = stack(layers, layers.scaled(192), [_square(32), _square(64), _square(64)])
        self.stage2, channels = stack(layers, channels, [_halve, *[_factorised(n) for n in (128, 160, 160, 192)]])
        self.stage3, channels = stack(layers, channels, [_halve_again, _fans, _fans])
        self.finish(channels, spec.label_count, spec.dropout)
        draw_weights(self)


def make_stem(layers: Layers, spec: NetworkSpec) -> nn.Sequential:
    """Make the stem that both Inceptions share: three halvings, one with the small stem.

    Args:
        layers: maker.
        spec: channels and stem.

    Returns:
        A module from (B, C, *spatial) to (B, 192 * width, *coarse).
    """
    small, n = spec.stem == "small", layers.scaled
    edge = None if small else 0  # the published stem does not pad
    return nn.Sequential(
        layers.unit(spec.in_channels, n(32), 3, stride=1 if small else 2, padding=edge),
        layers.unit(n(32), n(32), 3, padding=edge),
        layers.unit(n(32), n(64), 3),
        nn.Identity() if small else layers.max_pool(3, 2),
        layers.unit(n(64), n(80), 1),
        layers.unit(n(80), n(192), 3, padding=edge),
        layers.max_pool(3, 2, 1 if small else 0),
    )


def chain(layers: Layers, into: int, *steps: Step, stride: int = 1) -> nn.Sequential:
    """Put units in a row; the last one has the stride, and does not pad where it halves.

    Args:
        layers: maker.
        into: channels of this network that enter.
        *steps: (published channels, kernel).
        stride: of the last unit.

    Returns:
        The units.
    """
    units = nn.Sequential()
    for number, (published, kernel) in enumerate(steps):
        last = number == len(steps) - 1 and stride > 1
        out = layers.scaled(published)
        units.append(layers.unit(into, out, kernel, stride=stride if last else 1, padding=0 if last else None))
        into = out
    return units


def lines(layers: Layers, channels: tuple[int, ...], length: int, *, turned: bool = False) -> list[Step]:
    """List the steps of a factorised kernel: one for each axis.

    Args:
        layers: maker.
        channels: published channels of the inner steps and of the last one.
        length: voxels of the kernel along its axis.
        turned: begin with the first axis.

    Returns:
        Steps for `chain`.
    """
    kernels = layers.line_kernels(length)
    kernels = kernels[::-1] if turned else kernels
    return [(channels[0] if n < len(kernels) - 1 else channels[1], kernel) for n, kernel in enumerate(kernels)]


def stack(layers: Layers, into: int, blocks: list[Block]) -> tuple[nn.Sequential, int]:
    """Put blocks in a row, each for the channels that the one before it gives.

    Args:
        layers: maker.
        into: channels that enter.
        blocks: (layers, channels) -> (block, its channels).

    Returns:
        The blocks, and the channels that leave them.
    """
    row = nn.Sequential()
    for make in blocks:
        block, into = make(layers, into)
        row.append(block)
    return row, into


def total(layers: Layers, *published: int) -> int:
    """Add up channels that lie side by side, each scaled on its own.

    Args:
        layers: maker.
        *published: channels of the branches.

    Returns:
        Channels of this network.
    """
    return sum(layers.scaled(part) for part in published)


def _square(pooled: int) -> Block:
    """Make the block of figure 5: 1 x 1, 5 x 5, two 3 x 3 and a pool side by side."""

    def make(layers: Layers, n: int) -> tuple[nn.Module, int]:
        """Put the branches side by side."""
        branches = [
            chain(layers, n, (64, 1)),
            chain(layers, n, (48, 1), (64, 5)),
            chain(layers, n, (64, 1), (96, 3), (96, 3)),
            nn.Sequential(layers.mean_pool(3, 1, 1), chain(layers, n, (pooled, 1))),
        ]
        return Parallel(branches), total(layers, 64, 64, 96, pooled)

    return make


def _halve(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the block of figure 10: the grid's first halving."""
    branches = [
        chain(layers, n, (384, 3), stride=2),
        chain(layers, n, (64, 1), (96, 3), (96, 3), stride=2),
        layers.max_pool(3, 2),
    ]
    return Parallel(branches), n + total(layers, 384, 96)


def _factorised(inner: int) -> Block:
    """Make the block of figure 6: seven-wide kernels, factorised."""

    def make(layers: Layers, n: int) -> tuple[nn.Module, int]:
        """Put the branches side by side."""
        once = lines(layers, (inner, 192), 7)
        twice = [*lines(layers, (inner, inner), 7, turned=True), *lines(layers, (inner, 192), 7, turned=True)]
        branches = [
            chain(layers, n, (192, 1)),
            chain(layers, n, (inner, 1), *once),
            chain(layers, n, (inner, 1), *twice),
            nn.Sequential(layers.mean_pool(3, 1, 1), chain(layers, n, (192, 1))),
        ]
        return Parallel(branches), total(layers, 192, 192, 192, 192)

    return make


def _halve_again(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the grid's second halving."""
    branches = [
        chain(layers, n, (192, 1), (320, 3), stride=2),
        chain(layers, n, (192, 1), *lines(layers, (192, 192), 7), (192, 3), stride=2),
        layers.max_pool(3, 2),
    ]
    return Parallel(branches), n + total(layers, 320, 192)


def _fans(layers: Layers, n: int) -> tuple[nn.Module, int]:
    """Make the block of figure 7: kernels along each axis side by side."""
    inner = layers.scaled(384)
    fans = [Parallel([layers.unit(inner, inner, kernel) for kernel in layers.line_kernels(3)]) for _ in range(2)]
    branches = [
        chain(layers, n, (320, 1)),
        nn.Sequential(chain(layers, n, (384, 1)), fans[0]),
        nn.Sequential(chain(layers, n, (448, 1), (384, 3)), fans[1]),
        nn.Sequential(layers.mean_pool(3, 1, 1), chain(layers, n, (192, 1))),
    ]
    return Parallel(branches), total(layers, 320, 192) + 2 * layers.dims * inner


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: one cell is left after the last halving, two with instance norm.
    """
    if spec.stem == "small":
        return 21 if spec.norm == "instance" else 13
    return 107 if spec.norm == "instance" else 75
