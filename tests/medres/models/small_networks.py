"""A network of the registry, narrow and in eval mode, for the tests of its family."""

from __future__ import annotations

from torch import nn

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def small_network(name: str, dims: int = 2, **changes: object) -> nn.Module:
    """Build an eighth of the published width, one channel, two labels."""
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    return build_network(NetworkSpec.model_validate(facts | changes)).eval()
