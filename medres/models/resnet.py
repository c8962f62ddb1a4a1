"""NetworkSpec -> residual network in 2D or 3D, on MONAI's blocks with the settings that make it the published one.

Knows no weights and no scans. State dicts carry torchvision's names: `conv1`, `bn1`, `layer1.0.conv1`, ..., `fc`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from monai.networks.nets.resnet import ResNet, ResNetBlock, ResNetBottleneck
from torch import Tensor, nn
from torch.nn import functional

from medres.models.layers import MEAN_POOLS, monai_norm, smallest_edge
from medres.models.network import Network, run_stage
from medres.models.spec import NetworkSpec

Plan = tuple[type[ResNetBlock | ResNetBottleneck], tuple[int, ...]]  # block, blocks in each stage

STAGE_PLANES = (64, 128, 256, 512)  # He et al. 2016, table 1
STAGES = ("layer1", "layer2", "layer3", "layer4")
PLANS: dict[str, Plan] = {
    "resnet10": (ResNetBlock, (1, 1, 1, 1)),
    "resnet18": (ResNetBlock, (2, 2, 2, 2)),
    "resnet34": (ResNetBlock, (3, 4, 6, 3)),
    "resnet50": (ResNetBottleneck, (3, 4, 6, 3)),
    "resnet101": (ResNetBottleneck, (3, 4, 23, 3)),
    "resnet152": (ResNetBottleneck, (3, 8, 36, 3)),
    "resnet200": (ResNetBottleneck, (3, 24, 36, 3)),
}


class PaddedShortcut(nn.Module):
    """Shortcut of type A: take every second voxel, fill the new channels with zeros; the gradient flows.

    Args:
        dims: 2 or 3.
        channels: that come out.
        stride: voxels.

    Source:
        He et al. 2016, section 3.3, option A.
    """

    def __init__(self, dims: int, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.thin = MEAN_POOLS[dims](1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Thin and widen.

        Args:
            x: (B, F, *spatial) float.

        Returns:
            (B, channels, *spatial / stride).
        """
        x = self.thin(x)
        return functional.pad(x, (0, 0) * (x.ndim - 2) + (0, self.channels - x.shape[1]))


class ResidualNetwork(Network, ResNet):  # type: ignore[misc]
    """A residual network that gives logits, its last map and its embedding.

    Args:
        spec: depth by name, dimensions, channels, width, stem, norm, stride of the last stage and kind of shortcut.

    Source:
        He et al., Deep residual learning for image recognition, CVPR 2016 (arXiv:1512.03385); in 3D, Hara et al. 2018
        (arXiv:1711.09577). 200 layers: He et al., Identity mappings, ECCV 2016, here with the blocks of the first.

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="resnet10", spatial_dims=3, in_channels=1, label_count=2, width=0.25)
        >>> ResidualNetwork(spec)(torch.zeros(2, 1, 32, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "layer4"
    plans: ClassVar[dict[str, Plan]] = PLANS

    def __init__(self, spec: NetworkSpec) -> None:
        block, repeats = self.plans[spec.name]
        planes = [max(1, round(n * spec.width)) for n in STAGE_PLANES]
        self.norm_kind = monai_norm(spec.norm, planes[0])  # MONAI hands `norm` to the stem alone
        self.last_stage = {"planes": planes[-1], "stride": spec.last_stride}
        self.shortcut = spec.shortcut
        small = spec.stem == "small"
        super().__init__(
            block=block,
            layers=list(repeats),
            block_inplanes=planes,
            spatial_dims=spec.spatial_dims,
            n_input_channels=spec.in_channels,
            conv1_t_size=3 if small else 7,
            conv1_t_stride=1 if small else 2,
            no_max_pool=small,
            num_classes=spec.label_count,
            bias_downsample=False,
            norm=self.norm_kind,
        )
        self.dropout = nn.Dropout(spec.dropout)

    def _make_layer(
        self, block: Any, planes: int, blocks: int, spatial_dims: int, *args: Any, **options: Any
    ) -> nn.Sequential:
        """Build a stage with the norm and the shortcut that were asked for, the last one with its own stride."""
        if planes == self.last_stage["planes"]:
            options["stride"] = self.last_stage["stride"]
        made = super()._make_layer(block, planes, blocks, spatial_dims, *args, **{**options, "norm": self.norm_kind})
        if self.shortcut == "A" and made[0].downsample is not None:  # MONAI's own type A cuts the gradient
            made[0].downsample = PaddedShortcut(spatial_dims, planes * block.expansion, int(made[0].stride))  # type: ignore[arg-type]
        return made

    def features(self, x: Tensor) -> Tensor:
        """Give the last map before pooling.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F, *coarse), one cell of it for 32 input voxels (8 with the small stem; half of that
            with `last_stride` 1).
        """
        x = self.act(self.bn1(self.conv1(x)))  # (B, planes, *spatial / 2)
        if not self.no_max_pool:
            x = self.maxpool(x)  # (B, planes, *spatial / 4)
        for name in STAGES:
            x = run_stage(getattr(self, name), x)
        return x


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: stem and norm decide.

    Returns:
        Voxels: the map that enters the last stage then holds two cells.

    Example:
        >>> smallest_input(NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=2))
        17
    """
    return smallest_edge(8 if spec.stem == "small" else 32, spec)
