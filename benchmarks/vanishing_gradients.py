"""Our residual blocks, with and without shortcuts -> gradient norm by depth: table and figure of docs/networks.md.

    python -m benchmarks.vanishing_gradients docs/results/vanishing_gradients.png

Networks as they are drawn, before any step: what the gradient of the loss is on each block's first convolution. With
batch norm, weights are drawn as medres draws them (He et al. 2015); without any norm, as torch draws a convolution by
itself. Computed in double precision: in single, the smallest are nothing. No scan is needed: inputs are noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
import torch
from matplotlib import pyplot as plt
from monai.networks.nets.resnet import ResNetBlock
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from medres.models.layers import draw_weights

BLOCKS = 27  # in a row: 54 layers, as many as in the plain networks of the paper's CIFAR experiments
CHANNELS = 16
EDGE = {2: 24, 3: 10}  # voxels of the inputs
BATCH = 8
SEEDS = 3


class PlainBlock(ResNetBlock):
    """The same convolutions and norms without the shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        """Run the branch alone."""
        return self.act(self.bn2(self.conv2(self.act(self.bn1(self.conv1(x))))))


def gradient_norms(dims: int, *, shortcuts: bool, norm: bool, seed: int, blocks: int = BLOCKS) -> NDArray[np.float64]:
    """Give the gradient's norm on each block's first convolution, from the first block to the last."""
    torch.manual_seed(seed)
    kind = ResNetBlock if shortcuts else PlainBlock
    row = [kind(CHANNELS, CHANNELS, dims) for _ in range(blocks)]
    for block in row:
        if norm:
            draw_weights(block)
        else:
            block.bn1, block.bn2 = nn.Identity(), nn.Identity()
    conv = nn.Conv2d if dims == 2 else nn.Conv3d
    network = nn.Sequential(conv(1, CHANNELS, 3, padding=1), *row).double()
    head = nn.Linear(CHANNELS, 2).double()
    x = torch.randn(BATCH, 1, *[EDGE[dims]] * dims, dtype=torch.float64)
    logits = head(network(x).flatten(2).mean(2))
    functional.cross_entropy(logits, torch.arange(BATCH) % 2).backward()
    return np.array([float(block.conv1.weight.grad.norm()) for block in row])


def measure(dims: int, *, shortcuts: bool, norm: bool) -> NDArray[np.float64]:
    """Give the median over seeds."""
    return np.median([gradient_norms(dims, shortcuts=shortcuts, norm=norm, seed=s) for s in range(SEEDS)], axis=0)


def draw(path: Path) -> None:
    """Measure all, print the ratios, draw the figure."""
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True, layout="constrained")
    print("| | shortcuts | norm | first block | last block |")
    print("|---|---|---|---|---|")
    for ax, dims in zip(axes, (2, 3), strict=True):
        for shortcuts, colour in ((True, "#0b6e99"), (False, "#c0392b")):
            for norm, style in ((True, "-"), (False, "--")):
                norms = measure(dims, shortcuts=shortcuts, norm=norm)
                label = f"{'with' if shortcuts else 'without'} shortcuts, {'batch norm' if norm else 'no norm'}"
                ax.semilogy(np.arange(1, BLOCKS + 1), norms, style, color=colour, label=label)
                said = "batch" if norm else "none"
                print(f"| {dims}D | {'yes' if shortcuts else 'no'} | {said} | {norms[0]:.2g} | {norms[-1]:.2g} |")
        ax.set_title(f"{dims}D, {BLOCKS} blocks of {CHANNELS} channels")
        ax.set_xlabel("block (1: next to the input)")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("norm of the gradient")
    axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "vanishing_gradients.png"))
