"""Relevance on a network's own coarse grid -> values at any place in mm, regions, hottest point.

Knows no network and no picture. Relevance is >= 0 and hot means important; its native grid is kept, never hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from medres import geometry

EDGE_TOLERANCE = 1e-6  # voxels


@dataclass(frozen=True)
class Region:
    """One connected region of a heatmap at or above a threshold.

    Attributes:
        centroid_mm: (3,), RAS+ mm, weighted by relevance.
        volume_mm3: its native cells' volume inside what the network was shown.
        maximum: its hottest value, in the heatmap's unit.
        maximum_mm: (3,), RAS+ mm, centre of its hottest cell.
    """

    centroid_mm: tuple[float, float, float]
    volume_mm3: float
    maximum: float
    maximum_mm: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where a network found what speaks for a label.

    Attributes:
        relevance: (i, j, k) float32 on the layer's native grid, >= 0, hot = important.
        affine: (4, 4), native index to RAS+ mm (detector mm for pictures).
        label: the class it speaks for.
        layer, method: such as "layer4", "Grad-CAM".
        scale: value shown at full colour, the same in every study.
        threshold: value from which a region is shown.
        scale_source: "explanation.json", or "this map alone" where the model brings no fixed scale.
        seen_affine, seen_shape: the grid the network was shown, (4, 4) and (3,): outside it nothing is known.
        spacing_known: False turns every output in mm off.
        scorecard: the explanation's own test results and gate, or None where it was never tested.
    """

    relevance: NDArray[np.float32]
    affine: NDArray[np.float64]
    label: str
    layer: str
    method: str
    scale: float
    threshold: float
    scale_source: str
    seen_affine: NDArray[np.float64]
    seen_shape: tuple[int, int, int]
    spacing_known: bool = True
    scorecard: dict[str, Any] | None = field(default=None)

    @property
    def cell_mm(self) -> tuple[float, float, float]:
        """Size of a native cell, mm: the true resolution."""
        return tuple(float(s) for s in geometry.spacing_mm(self.affine))  # type: ignore[return-value]

    @property
    def hottest_mm(self) -> NDArray[np.float64]:
        """(3,), RAS+ mm: centre of the hottest native cell (the first in index order where several are)."""
        index = np.unravel_index(int(np.argmax(self.relevance)), self.relevance.shape)
        return geometry.apply_affine(self.affine, np.asarray(index, float))

    def at_mm(self, points_mm: ArrayLike, *, cells: bool = False) -> NDArray[np.float32]:
        """Sample the map at places in mm.

        Between cell centres values are trilinear; beyond the outermost centres they stay level up to the edge of what
        the network was shown, and are 0 outside it.

        Args:
            points_mm: (..., 3), RAS+ mm.
            cells: nearest native cell instead.

        Returns:
            (...) float32.
        """
        points = np.asarray(points_mm, float)
        native = geometry.apply_affine(np.linalg.inv(self.affine), points)
        values = ndimage.map_coordinates(
            self.relevance, np.moveaxis(native, -1, 0), order=0 if cells else 1, mode="nearest", output=np.float32
        )
        return np.where(self.was_shown(points), values, np.float32(0.0))

    def was_shown(self, points_mm: ArrayLike) -> NDArray[np.bool_]:
        """Tell which places lie in voxels that the network was shown.

        Args:
            points_mm: (..., 3), RAS+ mm.

        Returns:
            (...) bool.
        """
        index = geometry.apply_affine(np.linalg.inv(self.seen_affine), points_mm)
        upper = np.asarray(self.seen_shape) - 0.5 + EDGE_TOLERANCE
        return np.asarray(((index >= -0.5 - EDGE_TOLERANCE) & (index <= upper)).all(axis=-1))

    def on_grid(self, affine: ArrayLike, shape: tuple[int, int, int]) -> NDArray[np.float32]:
        """Resample the map onto another grid, such as the Volume's own.

        Args:
            affine: (4, 4), index to RAS+ mm.
            shape: (3,).

        Returns:
            (i, j, k) float32, in the map's unit.
        """
        result = np.empty(shape, np.float32)
        i, j = np.mgrid[0 : shape[0], 0 : shape[1]].astype(float)
        for k in range(shape[2]):  # slice by slice: a whole grid of coordinates would be 24 times the scan
            index = np.stack([i, j, np.full_like(i, k)], axis=-1)
            result[..., k] = self.at_mm(geometry.apply_affine(affine, index))
        return result

    def regions(self, threshold: float | None = None) -> list[Region]:
        """Find connected regions at or above a threshold, hottest first.

        Args:
            threshold: in the map's unit; None takes the map's own.

        Returns:
            Regions of native cells that touch by a face; empty where nothing reaches the threshold.
        """
        limit = self.threshold if threshold is None else threshold
        marked, count = ndimage.label((self.relevance >= limit) & (self.relevance > 0))
        found = [self._region(np.argwhere(marked == n)) for n in range(1, count + 1)]
        return sorted(found, key=lambda region: -region.maximum)

    def _region(self, cells: NDArray[np.int_]) -> Region:
        weights = self.relevance[tuple(cells.T)].astype(float)
        places = geometry.apply_affine(self.affine, cells)
        centroid = (places * weights[:, None]).sum(axis=0) / weights.sum()
        volume = geometry.voxel_volume_mm3(self.affine) * sum(self._share_seen(cell) for cell in cells)
        hottest = places[int(np.argmax(weights))]
        return Region(_triple(centroid), float(volume), float(weights.max()), _triple(hottest))

    def _share_seen(self, cell: NDArray[np.int_]) -> float:
        """Tell which share of a cell lies inside what the network was shown (edge cells reach out of it)."""
        to_seen = geometry.index_to_index(self.affine, self.seen_affine)
        corners = np.stack([cell - 0.5, cell + 0.5])
        ends = np.sort(geometry.apply_affine(to_seen, corners), axis=0)
        inside = np.clip(ends, -0.5, np.asarray(self.seen_shape) - 0.5)
        spans = np.maximum(ends[1] - ends[0], 1e-12)
        return float(np.prod((inside[1] - inside[0]) / spans))


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
