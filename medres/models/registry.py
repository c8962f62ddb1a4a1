"""NetworkSpec -> network, by name: the list of every network medres can build, with its published parameter count.

Knows no weights (`transfer.py` brings them) and no scans.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from medres.errors import ModelError
from medres.models import resnet
from medres.models.spec import NetworkSpec


@dataclass(frozen=True)
class NetworkEntry:
    """One row of the registry.

    Attributes:
        build: NetworkSpec -> network; logits from `forward`, maps from `features`, vectors from `embed`.
        smallest_input: NetworkSpec -> voxels needed along every axis.
        published_parameters: count in 2D for 3 channels and 1000 classes, or None where none was published.
        stages: names of the parts from stem to head, for unfreezing and Grad-CAM.
        source: the paper.
    """

    build: Callable[[NetworkSpec], nn.Module]
    smallest_input: Callable[[NetworkSpec], int]
    published_parameters: int | None
    stages: tuple[str, ...]
    source: str


_PUBLISHED = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}

REGISTRY: dict[str, NetworkEntry] = {
    f"resnet{depth}": NetworkEntry(
        resnet.build_resnet, resnet.smallest_input, _PUBLISHED.get(depth), resnet.STAGES, "He et al. 2016"
    )
    for depth in resnet.DEPTHS
}


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
    near = difflib.get_close_matches(name, REGISTRY, n=3, cutoff=0.4) or list(REGISTRY)
    raise ModelError("E_NETWORK_UNKNOWN", f"network must be a known name, got {name!r}", f"nearest: {', '.join(near)}")


def build_network(spec: NetworkSpec, seed: int = 0) -> nn.Module:
    """Build a network with weights drawn from a seed; torch's own generator is left as it was.

    Args:
        spec: what to build.
        seed: same seed, same weights.

    Returns:
        A module in training mode: `forward(x)` -> logits (B, L), `features(x)` -> last map (B, F, *coarse),
        `embed(x)` -> (B, F), `cam_layer` -> name of the layer for Grad-CAM.

    Raises:
        ModelError: `E_NETWORK_UNKNOWN`.

    Example:
        >>> spec = NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=1000)
        >>> count_parameters(build_network(spec))
        11689512
    """
    entry = find_entry(spec.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return entry.build(spec)


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
