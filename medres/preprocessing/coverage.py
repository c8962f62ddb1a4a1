"""Scan and prepared grid -> the share of the scan's own voxels that the network is shown.

Knows grids and padding only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.preprocessing.grid import Grid
from medres.volume import Volume

ROUNDING_VOXELS = 1e-6  # centres this near a border count as inside
DRIFT_VOXELS = 1e-4  # an index that moves less than this over a whole axis does not depend on it

Seen = tuple[NDArray[np.bool_], ...]


def coverage(scan: Volume, grid: Grid, seen: Seen) -> float:
    """Count the scan's own voxels (padding left out) whose centre falls into a voxel that is shown.

    Args:
        scan: the reference channel, as read.
        grid: the prepared grid.
        seen: (i,), (j,), (k,) bool of the prepared grid: a voxel is shown where all three are True.

    Returns:
        A share in [0, 1]; 0 for a scan that is all padding.
    """
    matrix = geometry.index_to_index(scan.affine, grid.affine)
    shown = total = 0
    planes = _aligned_planes(matrix, scan.shape, seen) or _oblique_planes(matrix, scan.shape, seen)
    for k, plane in enumerate(planes):
        own = None if scan.padding is None else ~scan.padding[:, :, k]
        total += scan.shape[0] * scan.shape[1] if own is None else int(own.sum())
        shown += int((plane if own is None else plane & own).sum())
    return shown / total if total else 0.0


def _aligned_planes(matrix: NDArray[np.float64], shape: tuple[int, int, int], seen: Seen) -> list | None:
    """Give the shown part of each plane k, (i, j), where every grid axis follows one scan axis; else None."""
    travel = np.abs(matrix[:3, :3]) * np.array(shape)  # (grid axis, scan axis)
    if ((travel > DRIFT_VOXELS).sum(axis=1) != 1).any():
        return None
    along = [np.ones(length, bool) for length in shape]
    for row, known, axis in zip(matrix, seen, travel.argmax(axis=1), strict=False):
        along[axis] &= _look_up(row[axis] * np.arange(shape[axis]) + row[3], known)
    square = along[0][:, None] & along[1][None, :]  # (i, j)
    empty = np.zeros_like(square)
    return [square if inside else empty for inside in along[2]]


def _oblique_planes(matrix: NDArray[np.float64], shape: tuple[int, int, int], seen: Seen) -> list:
    """Give the shown part of each plane k, (i, j), for grids turned or sheared against each other."""
    i, j = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    planes = []
    for k in range(shape[2]):
        places = [row[0] * i + row[1] * j + (row[2] * k + row[3]) for row in matrix[:3]]  # three of (i, j)
        planes.append(np.all([_look_up(p, known) for p, known in zip(places, seen, strict=True)], axis=0))
    return planes


def _look_up(place: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which fractional indices fall into a voxel that is shown."""
    voxel = np.floor(place + 0.5 + ROUNDING_VOXELS).astype(int)
    inside = (voxel >= 0) & (voxel < len(known))
    return np.asarray(inside & known[np.clip(voxel, 0, len(known) - 1)])
