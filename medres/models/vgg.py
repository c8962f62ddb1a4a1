"""NetworkSpec -> VGG in 2D or 3D, with or without batch norm: plain convolutions, no shortcut.

Knows no weights and no scans. MONAI has no VGG.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from medres.models.layers import Layers, draw_weights
from medres.models.network import Network, run_stage
from medres.models.spec import NetworkSpec

REPEATS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # table 1: columns A, D and E
CHANNELS = (64, 128, 256, 512, 512)
DENSE = 4096  # units of both dense layers
POOLED_EDGE = {2: 7, 3: 1}  # cells along each axis that the first dense layer sees; 7³ would need 719 M parameters
STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5", "dense")
UNPOOLED = 2  # first stages that the small stem leaves at full size


class PlainNetwork(Network):
    """A VGG; the dense layers before the head are its last stage.

    Args:
        spec: depth by name, `_bn` for batch norm; dropout stands after both dense layers (published: 0.5).

    Source:
        Simonyan & Zisserman, Very deep convolutional networks, ICLR 2015 (arXiv:1409.1556).

    Example:
        >>> import torch
        >>> spec = NetworkSpec(name="vgg11", spatial_dims=3, in_channels=1, label_count=2, width=0.125)
        >>> PlainNetwork(spec)(torch.zeros(2, 1, 32, 32, 32)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "stage5.convs"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        plain = not spec.name.endswith("_bn")
        layers = Layers(spec.spatial_dims, "none" if plain else spec.norm, spec.width)
        into, small = spec.in_channels, spec.stem == "small"
        self.stem = nn.Identity()
        for number, (published, repeats) in enumerate(zip(CHANNELS, _repeats(spec.name), strict=True)):
            out = layers.scaled(published)
            pooled = not (small and number < UNPOOLED)
            setattr(self, STAGES[number], _stage(layers, into, out, repeats, pooled=pooled))
            into = out
        edge, units = POOLED_EDGE[spec.spatial_dims], layers.scaled(DENSE)
        self.dense = _dense(spec, into * edge**spec.spatial_dims, units, edge)
        self.finish(units, spec.label_count, spec.dropout)
        draw_weights(self)

    def features(self, x: Tensor) -> Tensor:
        """Give the last map before the dense layers.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F, *coarse), one cell of it for 32 input voxels (8 with the small stem).
        """
        for name in self.stages[:-1]:
            x = run_stage(getattr(self, name), x)
        return x

    def embed(self, x: Tensor) -> Tensor:
        """Give one vector for each input: what the second dense layer says.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F).
        """
        return self.dense(self.features(x))  # type: ignore[no-any-return]


def _repeats(name: str) -> tuple[int, ...]:
    """Look up how many convolutions each stage has."""
    return REPEATS[int(name.removeprefix("vgg").removesuffix("_bn"))]


def _stage(layers: Layers, into: int, out: int, repeats: int, *, pooled: bool) -> nn.Sequential:
    """Put convolutions in a row and halve the map."""
    convs = nn.Sequential()
    for _ in range(repeats):
        convs.append(layers.conv(into, out, 3, bias=True))
        if layers.norm != "none":
            convs.append(layers.normalise(out))
        convs.append(nn.ReLU(inplace=True))
        into = out
    pool = layers.max_pool(2, 2) if pooled else nn.Identity()
    return nn.Sequential(OrderedDict(convs=convs, pool=pool))


def _dense(spec: NetworkSpec, into: int, units: int, edge: int) -> nn.Sequential:
    """Pool to a fixed number of cells and put both dense layers on top."""
    pool = nn.AdaptiveAvgPool2d(edge) if spec.spatial_dims == 2 else nn.AdaptiveAvgPool3d(edge)
    first, second = nn.Linear(into, units), nn.Linear(units, units)
    for layer in (first, second):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return nn.Sequential(pool, nn.Flatten(1), first, nn.ReLU(), nn.Dropout(spec.dropout), second, nn.ReLU())


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: the stem decides.

    Returns:
        Voxels: one cell is left after the last pool.
    """
    return 8 if spec.stem == "small" else 32
