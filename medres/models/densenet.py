"""NetworkSpec -> DenseNet-121 to 264 in 2D or 3D: MONAI's, taken apart into stages.

Knows no weights and no scans.
"""

from __future__ import annotations

from monai.networks.nets.densenet import DenseNet
from torch import nn

from medres.models.layers import Layers, draw_weights, monai_norm
from medres.models.network import Network
from medres.models.spec import NetworkSpec

BLOCKS = {  # table 1 of the paper
    "densenet121": (6, 12, 24, 16),
    "densenet169": (6, 12, 32, 32),
    "densenet201": (6, 12, 48, 32),
    "densenet264": (6, 12, 64, 48),
}
FIRST, GROWTH = 64, 32  # channels of the stem, and that each layer adds
STAGES = ("stage1", "stage2", "stage3", "stage4")


class DenseNetwork(Network):
    """A DenseNet; each stage is a dense block with the transition after it.

    Args:
        spec: depth by name, dimensions, channels, width (of stem and growth), stem and norm.

    Source:
        Huang et al., Densely connected convolutional networks, CVPR 2017 (arXiv:1608.06993).

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="densenet121", spatial_dims=2, in_channels=1, label_count=2, width=0.125)
        >>> DenseNetwork(spec)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage4"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec)
        first = 2 * layers.scaled(FIRST // 2)  # even: transitions halve
        whole = DenseNet(
            spatial_dims=spec.spatial_dims,
            in_channels=spec.in_channels,
            out_channels=spec.label_count,
            init_features=first,
            growth_rate=layers.scaled(GROWTH),
            block_config=BLOCKS[spec.name],
            norm=monai_norm(spec.norm, 1),  # channels differ from layer to layer: one group
        )
        parts = dict(whole.features.named_children())
        self.stem = _small_stem(layers, spec, first) if spec.stem == "small" else _published_stem(parts)
        for number, name in enumerate(STAGES, start=1):
            after = parts.get(f"transition{number}") or nn.Sequential(parts["norm5"], nn.ReLU(inplace=True))
            setattr(self, name, nn.Sequential(parts[f"denseblock{number}"], after))
        self.finish(_channels(whole), spec.label_count, spec.dropout)
        draw_weights(self)


def _channels(whole: DenseNet) -> int:
    """Count the features that MONAI's last layer takes."""
    return whole.class_layers.get_submodule("out").in_features  # type: ignore[return-value]


def _published_stem(parts: dict[str, nn.Module]) -> nn.Sequential:
    """Take the stem of two halvings."""
    return nn.Sequential(*(parts[name] for name in ("conv0", "norm0", "relu0", "pool0")))


def _small_stem(layers: Layers, spec: NetworkSpec, channels: int) -> nn.Sequential:
    """Make a stem that halves nothing."""
    return layers.unit(spec.in_channels, channels, 3)


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: one cell is left after the last transition, two with instance norm.
    """
    cells = 16 if spec.norm == "instance" else 8  # of the map that enters the first of three transitions
    return cells if spec.stem == "small" else 4 * (cells - 1) + 1
