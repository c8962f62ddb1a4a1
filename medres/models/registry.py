"""NetworkSpec -> network, by name: the list of every network medres can build, with its published parameter count.

Knows no weights (`transfer.py` brings them) and no scans.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from medres.errors import ModelError
from medres.models import (
    csp,
    densenet,
    efficientnet,
    inception,
    inception_resnet,
    resnet,
    resnext,
    unet_encoder,
    vgg,
    vit,
)
from medres.models.acs import use_acs
from medres.models.attention import GatedAttention
from medres.models.spec import NetworkSpec

PUBLISHED = {  # 2D, three channels, 1000 classes
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272,
    "seresnext50": 27_559_896,
    "seresnext101": 48_955_416,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "inception_v3": 23_834_568,
    "inception_resnet_v2": 55_843_464,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "efficientnet_b2": 9_109_994,
    "efficientnet_b3": 12_233_232,
    "efficientnet_b4": 19_341_616,
    "efficientnet_b5": 30_389_784,
    "efficientnet_b6": 43_040_704,
    "efficientnet_b7": 66_347_960,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "densenet264": 33_337_704,
    "cspdarknet53": 27_642_184,
    "vit_s16": 22_050_664,
    "vit_b16": 86_567_656,
}
CHOICES = {"norm": "batch", "last_stride": 2, "shortcut": "B", "convolution": "plain"}  # what not every family heeds


@dataclass(frozen=True)
class NetworkEntry:
    """One row of the registry.

    Attributes:
        build: NetworkSpec -> network; logits from `forward`, maps from `features`, vectors from `embed`.
        smallest_input: NetworkSpec -> voxels needed along every axis.
        published_parameters: count in 2D for 3 channels and 1000 classes, or None where none was published.
        stages: names of the parts from stem to head, for unfreezing and Grad-CAM.
        source: the paper.
        options: choices of the spec that this network heeds; another one is refused, not ignored.
    """

    build: Callable[[NetworkSpec], nn.Module]
    smallest_input: Callable[[NetworkSpec], int]
    published_parameters: int | None
    stages: tuple[str, ...]
    source: str
    options: tuple[str, ...] = ("norm", "convolution")


REGISTRY: dict[str, NetworkEntry] = {}


def _enter(
    build: Callable[[NetworkSpec], nn.Module],
    smallest: Callable[[NetworkSpec], int],
    stages: tuple[str, ...],
    papers: dict[str, str],
    *options: str,
) -> None:
    """Enter the members of a family."""
    for name, source in papers.items():
        REGISTRY[name] = NetworkEntry(build, smallest, PUBLISHED.get(name), stages, source, options)


_enter(
    resnet.ResidualNetwork,
    resnet.smallest_input,
    resnet.STAGES,
    {name: "He et al. 2016" for name in resnet.PLANS},
    *CHOICES,
)
_enter(
    resnext.GroupedNetwork,
    resnet.smallest_input,
    resnet.STAGES,
    {name: "Hu et al. 2018" if name.startswith("se") else "Xie et al. 2017" for name in resnext.PLANS},
    *CHOICES,
)
_enter(
    vgg.PlainNetwork,
    vgg.smallest_input,
    vgg.STAGES,
    {f"vgg{depth}": "Simonyan & Zisserman 2015" for depth in vgg.REPEATS},
    "convolution",
)
_enter(
    vgg.PlainNetwork,
    vgg.smallest_input,
    vgg.STAGES,
    {f"vgg{depth}_bn": "Simonyan & Zisserman 2015; Ioffe & Szegedy 2015" for depth in vgg.REPEATS},
    "norm",
    "convolution",
)
_enter(
    inception.InceptionNetwork,
    inception.smallest_input,
    inception.STAGES,
    {"inception_v3": "Szegedy et al. 2016"},
    "norm",
)
_enter(
    inception_resnet.InceptionResidualNetwork,
    inception.smallest_input,
    inception.STAGES,
    {"inception_resnet_v2": "Szegedy et al. 2017"},
    "norm",
)
_enter(
    efficientnet.EfficientNetwork,
    efficientnet.smallest_input,
    efficientnet.STAGES,
    {name: "Tan & Le 2019" for name in efficientnet.SCALES},
    "norm",
    "convolution",
)
_enter(
    densenet.DenseNetwork,
    densenet.smallest_input,
    densenet.STAGES,
    {name: "Huang et al. 2017" for name in densenet.BLOCKS},
    "norm",
    "convolution",
)
_enter(
    vit.VisionTransformer,
    vit.smallest_input,
    vit.STAGES,
    {"vit_s16": "Touvron et al. 2021", "vit_b16": "Dosovitskiy et al. 2021"},
)
_enter(
    unet_encoder.UNetEncoder,
    unet_encoder.smallest_input,
    unet_encoder.STAGES,
    {"unet_encoder": "Ronneberger et al. 2015"},
    "norm",
    "convolution",
)
_enter(
    csp.PartialNetwork,
    csp.smallest_input,
    csp.STAGES,
    {"cspdarknet53": "Wang et al. 2020; Bochkovskiy et al. 2020"},
    "norm",
    "convolution",
)


def find_entry(name: str) -> NetworkEntry:
    """Look a network up.

    Args:
        name: such as "resnet18".

    Returns:
        Its row.

    Raises:
        ModelError: `E_NETWORK_UNKNOWN`, with the nearest names.

    Example:
        >>> find_entry("resnet50").published_parameters
        25557032
    """
    if name in REGISTRY:
        return REGISTRY[name]
    near = difflib.get_close_matches(name.lower(), REGISTRY, n=3, cutoff=0.4) or list(REGISTRY)
    raise ModelError("E_NETWORK_UNKNOWN", f"network must be a known name, got {name!r}", f"nearest: {', '.join(near)}")


def build_network(spec: NetworkSpec, seed: int = 0) -> nn.Module:
    """Build a network with weights drawn from a seed; torch's own generator is left as it was.

    Args:
        spec: what to build.
        seed: same seed, same weights.

    Returns:
        A module in training mode: `forward(x)` -> logits (B, L), `features(x)` -> last map (B, F, *coarse),
        `embed(x)` -> (B, F), `stages` -> names of its parts, `cam_layer` -> name of the layer for Grad-CAM.

    Raises:
        ModelError: `E_NETWORK_UNKNOWN`, or `E_NETWORK_OPTION` for a choice that this network does not heed.

    Example:
        >>> spec = NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=1000)
        >>> count_parameters(build_network(spec))
        11689512
    """
    entry = find_entry(spec.name)
    _check_options(spec, entry)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = entry.build(spec)
        if spec.attention:
            head: Any = network.fc
            network.attention = GatedAttention(head.in_features, spec.attention)
    return use_acs(network) if spec.convolution == "acs" else network


def _check_options(spec: NetworkSpec, entry: NetworkEntry) -> None:
    """Refuse a choice that would be ignored."""
    for option, usual in CHOICES.items():
        chosen = getattr(spec, option)
        if chosen != usual and option not in entry.options:
            told = f"{option} of {spec.name} must be {usual!r}, got {chosen!r}"
            heeding = [name for name, other in REGISTRY.items() if option in other.options]
            raise ModelError("E_NETWORK_OPTION", told, f"leave it out, or choose such as {', '.join(heeding[:3])}")


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that training may change.

    Args:
        network: any module.

    Returns:
        Count, buffers left out.
    """
    return sum(parameter.numel() for parameter in network.parameters())


def check_input_size(spec: NetworkSpec, size: Sequence[int]) -> None:
    """Refuse an input that the network would shrink to nothing.

    Args:
        spec: the network.
        size: (spatial_dims,), voxels of the input along each axis.

    Raises:
        ModelError: `E_INPUT_SMALL`, with the smallest size.

    Example:
        >>> check_input_size(NetworkSpec(name="resnet18", spatial_dims=2, in_channels=1, label_count=2), (64, 64))
    """
    least = find_entry(spec.name).smallest_input(spec)
    if min(size) < least:
        shape = " x ".join(str(n) for n in size)
        small = ', or stem = "small"' if spec.stem == "standard" else ""
        raise ModelError(
            "E_INPUT_SMALL",
            f"input of {spec.name} must be at least {least} along each axis, got {shape}",
            f"enlarge it to {least}{small}",
        )
