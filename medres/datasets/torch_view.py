"""Manifest + Split -> a torch.utils.data view for those who bring their own loop.

Knows no network: what a row becomes is the caller's function, such as `classifier.prepare` on `read`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from torch.utils.data import Dataset

from medres.datasets.reading import read_row
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.volume import Volume

Item = TypeVar("Item")


class ScanView(Dataset[tuple[Item, int]], Generic[Item]):
    """Scans of one part of a split with their label's place in `label_names`; read when asked for, and not kept.

    Args:
        manifest: the split's.
        split: of this manifest.
        part: such as "train".
        label_names: labels in order.
        prepare: Volumes by channel -> what the loop takes.
    """

    def __init__(
        self,
        manifest: Manifest,
        split: Split,
        part: str,
        label_names: tuple[str, ...],
        prepare: Callable[[dict[str, Volume]], Item],
    ) -> None:
        self.manifest = manifest
        self.rows: tuple[ManifestRow, ...] = split.rows(manifest, part)
        self.label_names = label_names
        self.prepare = prepare

    def __len__(self) -> int:
        """Count scans."""
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Item, int]:
        """Read and prepare one scan.

        Args:
            index: 0 to n - 1.

        Returns:
            (what `prepare` made of it, label's place).
        """
        row = self.rows[index]
        return self.prepare(read_row(self.manifest, row)), self.label_names.index(row.label)
