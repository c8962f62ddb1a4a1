"""One scan, ready for the network -> its views, and of patches any box of its grid.

Knows tensors in memory and in the cache; knows neither files of scans nor networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor

from medres.preprocessing.model_input import View
from medres.preprocessing.views import cut_boxes
from medres.training.lesions import Lesion

VIEWS, GRID = "views", "grid"  # names of the arrays in the cache


class Cut(NamedTuple):
    """A patch cut anywhere in a scan's grid, with a label of its own.

    Attributes:
        scan: place of the scan in its dataset.
        start: (3,), first voxel of the prepared grid.
        label: index into the model's labels.
    """

    scan: int
    start: tuple[int, int, int]
    label: int


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """One row, ready for the network.

    Attributes:
        number: of the row in its manifest.
        key: of the row.
        patient_id: of the row.
        label: index into the model's labels.
        source: (V, C, *spatial) float32, for patches the grid (C, i, j, k) they are cut from; or the cache file that
            holds it.
        content_digest: SHA-256 (hex) of the scan's decoded content, channels in order.
        facts: what the scope gate looks at.
        views: V.
        boxes: where each patch of the sliding lattice lies; empty for other views.
        lesions: where lesions are known to lie in the grid; empty where nobody asked or there is none.
    """

    number: int
    key: str
    patient_id: str
    label: int
    source: Tensor | Path
    content_digest: str
    facts: Mapping[str, float]
    views: int
    boxes: tuple[View, ...] = ()
    lesions: tuple[Lesion, ...] = ()

    @property
    def tensor(self) -> Tensor:
        """The views, (V, C, *spatial) float32; patches are cut anew at each call."""
        return cut_boxes(self._grid().numpy(), self.boxes) if self.boxes else self._views()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3,), the grid that patches are cut from."""
        if isinstance(self.source, Tensor):
            return tuple(self.source.shape[1:])  # type: ignore[return-value]
        with safe_open(self.source, framework="pt") as stored:
            return tuple(stored.get_slice(GRID).get_shape()[1:])  # type: ignore[return-value]

    def view(self, number: int) -> Tensor:
        """Give one view, (C, *spatial) float32.

        Args:
            number: from 0, below `views`.
        """
        return self.cut(self.boxes[number].start) if self.boxes else self._views()[number]

    def cut(self, start: tuple[int, int, int]) -> Tensor:
        """Cut one patch out of the grid, wherever it lies.

        Args:
            start: (3,), first voxel; the patch must lie whole inside the grid.

        Returns:
            (C, i, j, k) float32.
        """
        size = self.boxes[0].size
        if isinstance(self.source, Tensor):
            return cut_boxes(self.source.numpy(), [View(start, size)])[0]
        i, j, k = (slice(first, first + length) for first, length in zip(start, size, strict=True))
        with safe_open(self.source, framework="pt") as stored:
            patch: Tensor = stored.get_slice(GRID)[:, i, j, k]
        return patch.contiguous()

    def _views(self) -> Tensor:
        if isinstance(self.source, Tensor):
            return self.source
        return safetensors.torch.load_file(self.source)[VIEWS]

    def _grid(self) -> Tensor:
        if isinstance(self.source, Tensor):
            return self.source
        return torch.as_tensor(safetensors.torch.load_file(self.source)[GRID])


def digest_scans(*parts: Sequence[PreparedScan]) -> str:
    """Digest what is learnt from and what the epoch is chosen by: content, label and lesions of each scan, in order.

    Args:
        parts: such as the training scans, then the validation scans.

    Returns:
        SHA-256 (hex).

    Example:
        >>> digest_scans((), ()) == digest_scans(())
        False
    """
    told = [[(scan.content_digest, scan.label, scan.lesions) for scan in scans] for scans in parts]
    return hashlib.sha256(repr(told).encode()).hexdigest()
