"""NetworkSpec -> residual network in 2D or 3D, on MONAI's blocks with the settings that make it the published one.

Knows no weights and no scans. State dicts carry torchvision's names: `conv1`, `bn1`, `layer1.0.conv1`, ..., `fc`.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets.resnet import ResNet, ResNetBlock, ResNetBottleneck
from torch import Tensor, nn

from medres.models.spec import NetworkSpec

STAGE_PLANES = (64, 128, 256, 512)  # He et al. 2016, table 1
DEPTHS: dict[int, tuple[type[ResNetBlock | ResNetBottleneck], tuple[int, ...]]] = {
    10: (ResNetBlock, (1, 1, 1, 1)),
    18: (ResNetBlock, (2, 2, 2, 2)),
    34: (ResNetBlock, (3, 4, 6, 3)),
    50: (ResNetBottleneck, (3, 4, 6, 3)),
    101: (ResNetBottleneck, (3, 4, 23, 3)),
    152: (ResNetBottleneck, (3, 8, 36, 3)),
}
STAGES = ("layer1", "layer2", "layer3", "layer4")
SAFE_BF16_EDGE = 4  # voxels; see `ResidualNetwork._run_stage`


class ResidualNetwork(ResNet):
    """A residual network that gives logits, its last map and its embedding.

    Args:
        spec: depth by name, dimensions, channels, width, stem and norm.

    Source:
        He et al., Deep residual learning for image recognition, CVPR 2016 (arXiv:1512.03385); in 3D, Hara et al. 2018
        (arXiv:1711.09577).

    Example:
        >>> spec = NetworkSpec(name="resnet10", spatial_dims=3, in_channels=1, label_count=2, width=0.25)
        >>> ResidualNetwork(spec)(torch.zeros(2, 1, 32, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "layer4"

    def __init__(self, spec: NetworkSpec) -> None:
        block, repeats = DEPTHS[int(spec.name.removeprefix("resnet"))]
        planes = [max(1, round(n * spec.width)) for n in STAGE_PLANES]
        self.norm_kind = _monai_norm(spec.norm, planes[0])  # MONAI hands `norm` to the stem alone
        self.last_stage = {"planes": planes[-1], "stride": spec.last_stride}
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

    def _make_layer(self, block: Any, planes: int, *args: Any, **options: Any) -> nn.Sequential:
        """Build a stage with the norm that was asked for, the last one with its own stride."""
        if planes == self.last_stage["planes"]:
            options["stride"] = self.last_stage["stride"]
        return super()._make_layer(block, planes, *args, **{**options, "norm": self.norm_kind})

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
            x = self._run_stage(getattr(self, name), x)
        return x

    def _run_stage(self, stage: nn.Module, x: Tensor) -> Tensor:
        """Run one stage, in fp32 where the CPU's bf16 cannot be trusted.

        On maps of one or two cells along an axis the bf16 weight gradients of oneDNN's padded convolutions hold
        uninitialised memory (inf, NaN; decisions/bf16_on_cpu.md), and a map of four becomes one of two inside a stage.
        """
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and min(x.shape[2:]) <= SAFE_BF16_EDGE:
            with torch.autocast("cpu", enabled=False):
                return stage(x.float())  # type: ignore[no-any-return]
        return stage(x)  # type: ignore[no-any-return]

    def embed(self, x: Tensor) -> Tensor:
        """Give one vector for each input: the last map's mean.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F).
        """
        return self.avgpool(self.features(x)).flatten(1)  # type: ignore[no-any-return]

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn vectors of `embed` into logits.

        Args:
            embedding: (B, F) float.

        Returns:
            (B, L) logits.
        """
        return self.fc(self.dropout(embedding))  # type: ignore[misc, no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Give one logit for each label.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, L) logits.
        """
        return self.classify(self.embed(x))


def build_resnet(spec: NetworkSpec) -> ResidualNetwork:
    """Build a residual network, weights freshly drawn from torch's current generator.

    Args:
        spec: a spec whose name is one of `resnet10` to `resnet152`.

    Returns:
        The network, in training mode.
    """
    return ResidualNetwork(spec)


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: the stem decides.

    Returns:
        Voxels: the map that enters the last stage then holds two cells.

    Example:
        >>> smallest_input(NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=2))
        17
    """
    return 5 if spec.stem == "small" else 17


def _monai_norm(norm: str, planes: int) -> Any:
    """Name a norm as MONAI does; groups of 32 channels as in Wu & He 2018, fewer where the width leaves fewer."""
    if norm == "group":
        return ("group", {"num_groups": _group_count(planes), "affine": True})
    return ("instance", {"affine": True}) if norm == "instance" else "batch"


def _group_count(planes: int) -> int:
    """Find the largest number of groups up to 32 that divides the narrowest stage (and so every one)."""
    return max(n for n in range(1, min(32, planes) + 1) if planes % n == 0)
