"""Heatmap + segmentation of one scan -> marks for FROC: which region hits which lesion, and whether the hottest does.

Knows no file and no model. A heatmap is as coarse as its native cells, so a hit is asked of cells, not of voxels.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medres import geometry
from medres.evaluation.localisation import Mark
from medres.explain.heatmap import Heatmap

HIT_RULE = "the region's hottest cell holds a voxel of the lesion"
TOUCH = np.ones((3, 3, 3), bool)  # voxels of one lesion touch by a face, an edge or a corner


@dataclass(frozen=True)
class ScanMarks:
    """What one scan's heatmap marked, held against its lesions.

    Attributes:
        scan: name of the scan.
        patient: its patient.
        marks: one for each region of the heatmap at or above the heatmap's threshold.
        lesions: lesions of the scan; 0 for a scan without.
        is_hit: whether the hottest cell holds a voxel of a lesion; None without a lesion.
        chance: share of the cells that do: how often a blind cell would hit; None without a lesion.
    """

    scan: str
    patient: str
    marks: tuple[Mark, ...]
    lesions: int
    is_hit: bool | None = None
    chance: float | None = None


def mark_scan(
    heatmap: Heatmap,
    inside: NDArray[np.bool_],
    affine: NDArray[np.float64],
    *,
    scan: str,
    patient: str = "",
    weight: float = 1.0,
) -> ScanMarks:
    """Turn a heatmap's regions into marks and match them with the lesions of a segmentation.

    Args:
        heatmap: with its threshold and scale.
        inside: (i, j, k) bool, the segmentation; all False for a scan without a lesion.
        affine: (4, 4), its index to the heatmap's mm.
        scan: name of the scan.
        patient: its patient.
        weight: probability of the label in [0, 1]; a mark's score is this times its hottest value over the scale.

    Returns:
        The marks. A lesion that the network was never shown has no cell and can only be missed.

    Example:
        >>> where = np.zeros((4, 4, 1)); where[1, 1] = 2.0
        >>> heat = Heatmap(where.astype("float32"), np.eye(4), "a", "l", "m", 2.0, 1.0, "s", np.eye(4), (4, 4, 1))
        >>> mark_scan(heat, where > 0, np.eye(4), scan="one", weight=0.5).marks
        (Mark(scan='one', score=0.5, lesion='1'),)
    """
    cells = _lesion_cells(inside, affine, heatmap)
    marks = tuple(
        Mark(scan, weight * region.maximum / heatmap.scale, _hit_lesion(cells, _cell_at(heatmap, region.maximum_mm)))
        for region in heatmap.regions()
    )
    if not cells:
        return ScanMarks(scan, patient, marks, 0)
    reached = set().union(*cells)
    hottest = _cell_at(heatmap, heatmap.hottest_mm)
    return ScanMarks(scan, patient, marks, len(cells), hottest in reached, len(reached) / heatmap.relevance.size)


def _lesion_cells(inside: NDArray[np.bool_], affine: NDArray[np.float64], heatmap: Heatmap) -> list[Counter[int]]:
    """Count, for each lesion, its voxels in each native cell; voxels beyond the map belong to none."""
    numbered, count = ndimage.label(inside, TOUCH)
    to_native = geometry.index_to_index(affine, heatmap.affine)
    found = []
    for number in range(1, count + 1):
        near = np.floor(geometry.apply_affine(to_native, np.argwhere(numbered == number)) + 0.5).astype(int)
        kept = near[((near >= 0) & (near < heatmap.relevance.shape)).all(axis=1)]
        found.append(Counter(np.ravel_multi_index(tuple(kept.T), heatmap.relevance.shape).tolist()))
    return found


def _cell_at(heatmap: Heatmap, place_mm: NDArray[np.float64] | tuple[float, float, float]) -> int:
    index = np.rint(geometry.apply_affine(np.linalg.inv(heatmap.affine), np.asarray(place_mm))).astype(int)
    return int(np.ravel_multi_index(tuple(index), heatmap.relevance.shape))


def _hit_lesion(cells: list[Counter[int]], cell: int) -> str:
    """Name the lesion with most voxels in a cell, counted from 1; empty for none."""
    voxels = [own[cell] for own in cells]
    return str(int(np.argmax(voxels)) + 1) if any(voxels) else ""
