"""The registry and the sources of weights -> the two tables of docs/networks.md, between their marks.

Run: python docs/make_networks.py            (a test holds the page against it)
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from medres.models.registry import REGISTRY, count_parameters
from medres.models.sources import SOURCES
from medres.models.spec import NetworkSpec

PAGE = Path(__file__).resolve().parent / "networks.md"


def networks() -> str:
    """One row for each network: counts, published count, smallest input, stages, choices, paper."""
    rows = [
        "| name | parameters 2D | published | 3D, 1 channel, 2 labels | smallest input | stages | choices | paper |",
        "|---|--:|--:|--:|--:|--:|---|---|",
    ]
    for name, entry in REGISTRY.items():
        counts = []
        for facts in ({"spatial_dims": 2, "in_channels": 3, "label_count": 1000}, {"spatial_dims": 3}):
            spec = NetworkSpec.model_validate({"name": name, "in_channels": 1, "label_count": 2} | facts)
            with torch.device("meta"):
                counts.append(count_parameters(entry.build(spec)))
        edges = [entry.smallest_input(spec.model_copy(update={"stem": stem})) for stem in ("standard", "small")]
        published = "equal" if entry.published_parameters == counts[0] else "no published count"
        rows.append(
            f"| `{name}` | {counts[0]:,} | {published} | {counts[1]:,} | {edges[0]} ({edges[1]}) | {len(entry.stages)} "
            f"| {', '.join(entry.options) or '-'} | {entry.source} |"
        )
    return "\n".join(rows)


def weights() -> str:
    """One row for each source of weights."""
    rows = ["| name | network | file | SHA-256 starts | shortcut | paper |", "|---|---|---|---|---|---|"]
    for source in SOURCES.values():
        digest = f"`{source.sha256}`" if source.sha256 else "pinned when fetched"
        network = f"{source.network} {source.spatial_dims}D"
        rows.append(
            f"| `{source.name}` | {network} | {source.file_name} | {digest} | {source.shortcut} | {source.citation} |"
        )
    return "\n".join(rows)


def fill(page: str) -> str:
    """Put both tables between their marks."""
    for mark, table in (("networks", networks()), ("weights", weights())):
        page = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\n\g<2>", page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text()))
