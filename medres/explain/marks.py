"""Heatmap + segmentation, or places + lesion points of one scan -> marks for FROC: what hits which lesion.

Knows no file and no model. A heatmap is as coarse as its native cells, so beside a segmentation a hit is asked of
cells, not of voxels; beside points, and of places in mm, it is asked by distance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.datasets.masks import number_lesions
from medres.evaluation.localisation import Mark, hit_by_distance
from medres.explain.checks import Lesion
from medres.explain.heatmap import Heatmap

HIT_RULE = "the region's hottest cell holds a voxel of the lesion"
LEAST_RADIUS_MM = 3.0  # a small lesion, or one whose diameter nobody gave, is hit within this distance of its centre
DISTANCE_RULE = f"the place lies within the lesion's radius of its centre, at least {LEAST_RADIUS_MM:g} mm"


@dataclass(frozen=True)
class ScanMarks:
    """What one scan's heatmap marked, held against its lesions.

    Attributes:
        scan: name of the scan.
        patient: its patient.
        marks: one for each region of the heatmap at or above the heatmap's threshold, or for each place.
        lesions: lesions of the scan; 0 for a scan without.
        is_hit: whether the hottest cell, or the strongest place, hits a lesion; None without a lesion.
        chance: share of the cells, or of the scan, that do: how often a blind guess would; None without a lesion.
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


def mark_places(
    places_mm: Sequence[tuple[float, float, float]],
    scores: Sequence[float],
    lesions: Sequence[Lesion],
    field_mm3: float,
    *,
    scan: str,
    patient: str = "",
) -> ScanMarks:
    """Turn places in mm into marks and match them with lesions by distance.

    Args:
        places_mm: strongest first, RAS+ mm.
        scores: of the places, falling.
        lesions: of the scan; none for a scan without.
        field_mm3: volume of the scan, of which a blind guess would take any place.
        scan: name of the scan.
        patient: its patient.

    Returns:
        The marks; `is_hit` tells of the strongest place, False where none was named.

    Example:
        >>> mark_places([(0.0, 0.0, 2.0)], [0.9], [Lesion((0.0, 0.0, 0.0))], 1e6, scan="one").marks
        (Mark(scan='one', score=0.9, lesion='1'),)
    """
    centres = np.array([lesion.centre_mm for lesion in lesions]).reshape(-1, 3)
    radii = np.array([lesion.radius_mm for lesion in lesions])
    hit = hit_by_distance(np.array(places_mm).reshape(-1, 3), centres, radii, LEAST_RADIUS_MM)
    named = ["" if number < 0 else str(number + 1) for number in hit]
    marks = tuple(Mark(scan, float(score), lesion) for score, lesion in zip(scores, named, strict=True))
    if not lesions:
        return ScanMarks(scan, patient, marks, 0)
    reached = float((4.0 / 3.0 * np.pi * np.maximum(radii, LEAST_RADIUS_MM) ** 3).sum())
    return ScanMarks(scan, patient, marks, len(lesions), bool(named and named[0]), min(1.0, reached / field_mm3))


def _lesion_cells(inside: NDArray[np.bool_], affine: NDArray[np.float64], heatmap: Heatmap) -> list[Counter[int]]:
    """Count, for each lesion, its voxels in each native cell; voxels beyond the map belong to none."""
    numbered, count = number_lesions(inside)
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
