"""The list of weights that others have published: where they lie, how they are proved, what they may be used for.

Data, and how to look it up; fetches nothing (`download.py` does).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from medres.errors import ModelError
from medres.models.spec import NetworkSpec

TORCHVISION = "https://download.pytorch.org/models/"
MEDICALNET = "https://huggingface.co/TencentMedicalNet/MedicalNet-Resnet{depth}/resolve/main/"
IMAGENET_INPUT = (
    "three channels, RGB in [0, 1] minus (0.485, 0.456, 0.406) over (0.229, 0.224, 0.225), 224 x 224; a grey input is "
    "taken by summing the stem's channels"
)
MEDICALNET_INPUT = "one channel, CT and MR, each volume to mean 0 and standard deviation 1 over what is not background"
IMAGENET_TERMS = "code BSD-3-Clause (torchvision); learnt on ImageNet, whose terms allow non-commercial research only"
MEDICALNET_TERMS = "MIT (Tencent MedicalNet); learnt on 23 public data sets with terms of their own"
NETWORK_CITATIONS = {
    "resnet": "He et al., CVPR 2016, arXiv:1512.03385",
    "resnext": "Xie et al., CVPR 2017, arXiv:1611.05431",
}


@dataclass(frozen=True)
class WeightSource:
    """Weights that were published.

    Attributes:
        name: as users name it.
        network: name in the registry.
        spatial_dims: 2 or 3.
        url: of the file.
        sha256: SHA-256 (hex) of the file, or as many of its first digits as were published ("" where none were: the
            digest is then pinned at the first fetch).
        layout: whose names the file carries.
        licence: of the weights.
        citation: of the paper.
        expects: what the network was shown while it learnt.
        shortcut: kind of the network's shortcuts, "A" or "B".
        in_channels: channels of its input.
    """

    name: str
    network: str
    spatial_dims: int
    url: str
    sha256: str
    layout: str
    licence: str
    citation: str
    expects: str
    shortcut: str = "B"
    in_channels: int = 3

    @property
    def file_name(self) -> str:
        """Name of the file, as it is kept."""
        return self.url.rsplit("/", 1)[1]

    def network_spec(self, labels: int = 2) -> NetworkSpec:
        """Describe the network that the weights were learnt with.

        Args:
            labels: of its new head.

        Returns:
            Its spec.
        """
        facts = {"name": self.network, "spatial_dims": self.spatial_dims, "in_channels": self.in_channels}
        return NetworkSpec.model_validate(facts | {"label_count": labels, "shortcut": self.shortcut})


def _imagenet(network: str, version: int, start: str) -> WeightSource:
    """Describe weights of torchvision; its file names end in the first eight digits of their SHA-256."""
    return WeightSource(
        name=f"{network}-imagenet-v{version}",
        network=network,
        spatial_dims=2,
        url=f"{TORCHVISION}{network}-{start}.pth",
        sha256=start,
        layout="torchvision",
        licence=IMAGENET_TERMS,
        citation=NETWORK_CITATIONS["resnext" if network.startswith("resnext") else "resnet"],
        expects=IMAGENET_INPUT,
    )


def _medicalnet(depth: int, shortcut: str, ending: str) -> WeightSource:
    """Describe weights of MedicalNet, which publishes no digests."""
    return WeightSource(
        name=f"resnet{depth}-medicalnet",
        network=f"resnet{depth}",
        spatial_dims=3,
        url=f"{MEDICALNET.format(depth=depth)}resnet_{depth}{ending}.pth",
        sha256="",
        layout="medicalnet",
        licence=MEDICALNET_TERMS,
        citation="Chen et al., Med3D, 2019, arXiv:1904.00625",
        expects=MEDICALNET_INPUT,
        shortcut=shortcut,
        in_channels=1,
    )


SOURCES: dict[str, WeightSource] = {
    source.name: source
    for source in (
        _imagenet("resnet18", 1, "f37072fd"),
        _imagenet("resnet34", 1, "b627a593"),
        _imagenet("resnet50", 1, "0676ba61"),
        _imagenet("resnet50", 2, "11ad3fa6"),
        _imagenet("resnet101", 1, "63fe2227"),
        _imagenet("resnet101", 2, "cd907fc2"),
        _imagenet("resnet152", 1, "394f9c45"),
        _imagenet("resnet152", 2, "f82ba261"),
        _imagenet("resnext50_32x4d", 1, "7cdf4587"),
        _imagenet("resnext50_32x4d", 2, "1a0047aa"),
        _imagenet("resnext101_32x8d", 1, "8ba56ff5"),
        _imagenet("resnext101_32x8d", 2, "110c445d"),
        _imagenet("resnext101_64x4d", 1, "173b62eb"),
        _medicalnet(10, "B", "_23dataset"),
        _medicalnet(18, "A", "_23dataset"),
        _medicalnet(34, "A", "_23dataset"),
        _medicalnet(50, "B", "_23dataset"),
        _medicalnet(101, "B", ""),
        _medicalnet(152, "B", ""),
        _medicalnet(200, "B", ""),
    )
}


def find_source(name: str) -> WeightSource:
    """Look a source up.

    Args:
        name: such as "resnet18-imagenet-v1".

    Returns:
        The source.

    Raises:
        ModelError: `E_WEIGHTS_SOURCE`, with the nearest names.

    Example:
        >>> find_source("resnet18-medicalnet").shortcut
        'A'
    """
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name.lower(), SOURCES, n=3, cutoff=0.4) or list(SOURCES)
    raise ModelError("E_WEIGHTS_SOURCE", f"weights must be a known source, got {name!r}", f"nearest: {', '.join(near)}")
