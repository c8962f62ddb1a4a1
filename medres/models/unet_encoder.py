"""NetworkSpec -> the encoder of a U-Net in 2D or 3D with a classification head, on MONAI's blocks.

Knows no weights and no scans.
"""

from __future__ import annotations

from monai.networks.nets.basic_unet import Down, TwoConv

from medres.models.layers import Layers, draw_weights, monai_norm
from medres.models.network import Network
from medres.models.spec import NetworkSpec

CHANNELS = (64, 128, 256, 512, 1024)  # Ronneberger et al. 2015, figure 1
STAGES = ("stage1", "stage2", "stage3", "stage4")
ACT = ("relu", {"inplace": True})


class UNetEncoder(Network):
    """The way down of a U-Net: two convolutions on each level, halved between levels.

    Args:
        spec: dimensions, channels, width, stem ("small": the first halving is left out) and norm.

    Source:
        Ronneberger et al., U-Net, MICCAI 2015 (arXiv:1505.04597); in 3D, Cicek et al. 2016 (arXiv:1606.06650). Padded,
        with norms, as MONAI builds it.

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="unet_encoder", spatial_dims=3, in_channels=1, label_count=2, width=0.0625)
        >>> UNetEncoder(spec)(torch.zeros(2, 1, 16, 16, 16)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage4"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        layers = Layers.of(spec)
        first, *deeper = (layers.scaled(n) for n in CHANNELS)
        norm = monai_norm(spec.norm, first)
        self.stem = TwoConv(spec.spatial_dims, spec.in_channels, first, ACT, norm, bias=False)
        into = first
        for name, out in zip(STAGES, deeper, strict=True):
            kind = TwoConv if spec.stem == "small" and name == STAGES[0] else Down
            setattr(self, name, kind(spec.spatial_dims, into, out, ACT, norm, bias=False))
            into = out
        self.finish(into, spec.label_count, spec.dropout)
        draw_weights(self)


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: one cell is left on the deepest level, two with instance norm.
    """
    stride = 8 if spec.stem == "small" else 16
    return 2 * stride if spec.norm == "instance" else stride
