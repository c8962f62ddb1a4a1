"""ModelInput: the tensor a network is shown, and where each of its voxels lies.

Knows no file and no network; `pipeline.py` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class View:
    """A box of the prepared grid that the network sees at once.

    Attributes:
        start: (3,), first voxel `(i, j, k)` of the prepared grid.
        size: (3,), voxels along i, j, k; 1 along the axis of a slice.
    """

    start: tuple[int, int, int]
    size: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What the network is shown, frozen.

    Attributes:
        tensor: float32 (C, *spatial), or (V, C, *spatial) for slices and patches. 3D: (C, i, j, k). 2D: (C, rows,
            columns), which is (C, j, i) of the grid.
        affine: (4, 4), index (i, j, k) of the prepared grid to RAS+ mm (or the detector's mm), also in 2D.
        shape: (3,), the prepared grid.
        views: where each of the V entries lies; empty when the whole grid is one.
        coverage: share of the scan's own field of view (padding left out) that the network is shown, in [0, 1].
        codes: `W_...` codes of the Volumes.
        digest: SHA-256 (hex) of the tensor's bytes.
        grid: (C, i, j, k) float32, the prepared grid that patches were cut from; None where the views are not patches.
    """

    tensor: torch.Tensor
    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    views: tuple[View, ...]
    coverage: float
    codes: tuple[str, ...]
    digest: str
    grid: NDArray[np.float32] | None = None

    @property
    def batch(self) -> torch.Tensor:
        """The tensor as a batch of views, `(V, C, *spatial)`; V = 1 for a whole grid."""
        return self.tensor if self.views else self.tensor.unsqueeze(0)
