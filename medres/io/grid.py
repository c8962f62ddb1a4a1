"""Positions and orientations of slices -> one regular grid, or the reason why there is none.

The geometry rule: sort by the distance along the normal, never by a number in the header; every gap within
max(0.01 mm, 1 % of the median gap). Knows numbers only: no file and no pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medres import geometry
from medres.errors import IntakeError

FloatArray = NDArray[np.float64]

GAP_TOLERANCE_MM = 0.01
GAP_TOLERANCE_SHARE = 0.01  # of the median gap
MOST_TOLERANCE_SHARE = 0.25  # of the gap: in microns apart, slices that differ by 0.01 mm are not evenly spaced
TILT_SHARE = 0.01  # sideways drift per slice, of the spacing, above which the gantry was tilted
SAME_PLACE_MM = 0.01  # slices closer than this lie on each other
SAME_PLACE_SHARE = 0.1  # but never slices further apart than this share of the median gap
THICKNESS_SHARE = 0.05  # SliceThickness unlike the spacing


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the slices of a volume lie.

    Attributes:
        affine: (4, 4), index (i, j, k) to RAS+ mm.
        spacing_mm: between slices along the normal, mm.
        tilt_degrees: lean of the stack off the normal; 0 unless above the rule.
        places: (n,) place of each slice on the grid, in slices; 0, 1, 2, ... where nothing is missing.
        count: slices of the grid.
    """

    affine: FloatArray
    spacing_mm: float
    tilt_degrees: float
    places: FloatArray
    count: int

    @property
    def is_regular(self) -> bool:
        """Whether every slice of the grid is there and no other."""
        return bool(np.array_equal(self.places, np.arange(self.count)))


def normal_of(orientation: ArrayLike) -> FloatArray:
    """Give the slice normal, row cosines x column cosines.

    Args:
        orientation: (2, 3), LPS.

    Returns:
        (3,), LPS.

    Example:
        >>> normal_of([[1, 0, 0], [0, 1, 0]])
        array([0., 0., 1.])
    """
    row, column = np.asarray(orientation, float)
    return np.cross(row, column)


def distances_along(orientation: ArrayLike, positions: ArrayLike) -> FloatArray:
    """Measure each slice's distance along the normal.

    Args:
        orientation: (2, 3), LPS.
        positions: (n, 3), LPS mm.

    Returns:
        (n,), mm.
    """
    return np.asarray(positions, float).reshape(-1, 3) @ normal_of(orientation)


def same_place_mm(distances: FloatArray) -> float:
    """Give the distance below which two slices lie on each other.

    Args:
        distances: (n,), sorted, mm.

    Returns:
        mm.

    Example:
        >>> same_place_mm(np.array([0.0, 0.0, 2.0, 4.0]))
        0.01
    """
    gaps = np.diff(distances)
    gaps = gaps[gaps > 1e-6]
    return min(SAME_PLACE_MM, SAME_PLACE_SHARE * float(np.median(gaps))) if gaps.size else SAME_PLACE_MM


def gap_tolerance(gap: float) -> float:
    """Give by how much a gap between slices may differ from the usual one.

    Args:
        gap: the usual one, mm.

    Returns:
        mm.

    Example:
        >>> gap_tolerance(0.5), gap_tolerance(3.0), gap_tolerance(0.008)
        (0.01, 0.03, 0.002)
    """
    return min(max(GAP_TOLERANCE_MM, GAP_TOLERANCE_SHARE * gap), MOST_TOLERANCE_SHARE * gap)


def build_grid(
    orientation: ArrayLike,
    positions: ArrayLike,
    spacing: tuple[float, float],
    *,
    thickness_mm: float | None = None,
    allow_gaps: bool = False,
    resample_uneven: bool = False,
) -> Grid:
    """Lay the grid of slices that are sorted along their normal and all at different places.

    Args:
        orientation: (2, 3), row and column cosines, LPS.
        positions: (n, 3), LPS mm, sorted by `distances_along`.
        spacing: (between rows, between columns), mm.
        thickness_mm: stands in for the distance between slices where there is one slice only.
        allow_gaps: accept missing slices; `places` then skips theirs.
        resample_uneven: accept uneven slices; `places` are then fractions of an even grid.

    Returns:
        The Grid.

    Raises:
        IntakeError: `E_GEOM_GAP` or `E_GEOM_UNEVEN`, naming gap and place.

    Source:
        PS3.3 C.7.6.2.1.1; design/intake.md, geometry rule.
    """
    points = np.asarray(positions, float).reshape(-1, 3)
    distances = distances_along(orientation, points)
    if len(points) == 1:
        step = normal_of(orientation) * (thickness_mm if thickness_mm and thickness_mm > 0 else 1.0)
        return _grid(orientation, points[0], spacing, step, np.zeros(1), 0.0)
    places, gap = _places(distances, allow_gaps, resample_uneven)
    step = (points[-1] - points[0]) / places[-1]
    _require_straight(points, step, places, gap)
    return _grid(orientation, points[0], spacing, step, places, _tilt(orientation, step, gap))


def _grid(
    orientation: ArrayLike,
    first: FloatArray,
    spacing: tuple[float, float],
    step: FloatArray,
    places: FloatArray,
    tilt: float,
) -> Grid:
    """Put the affine together: columns run along the row cosines."""
    row, column = np.asarray(orientation, float)
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2], lps[:3, 3] = row * spacing[1], column * spacing[0], step, first
    along = abs(float(step @ normal_of(orientation)))
    return Grid(geometry.lps_to_ras(lps), along, tilt, places, round(float(places[-1])) + 1)


def _places(distances: FloatArray, allow_gaps: bool, resample_uneven: bool) -> tuple[FloatArray, float]:
    """Give each slice its place on the grid, and the grid's gap in mm."""
    gaps = np.diff(distances)
    median = float(np.median(gaps))
    tolerance = gap_tolerance(median)
    if np.abs(gaps - median).max() <= tolerance:
        return np.arange(len(distances), dtype=float), float(distances[-1] - distances[0]) / len(gaps)
    missing = _missing(gaps)
    if missing is not None and (allow_gaps or not resample_uneven):
        steps, gap = missing
        if not allow_gaps:
            _refuse_gap(gaps, steps, gap)
        return np.concatenate(([0.0], np.cumsum(steps))), float(distances[-1] - distances[0]) / float(steps.sum())
    if not resample_uneven:
        _refuse_uneven(gaps, median, tolerance)
    count = max(1, round(float(distances[-1] - distances[0]) / median))
    return (distances - distances[0]) * (count / (distances[-1] - distances[0])), median


def _missing(gaps: FloatArray) -> tuple[FloatArray, float] | None:
    """Read every gap as a whole number of the smallest one; None where that cannot be."""
    low = gaps[gaps <= gaps.min() + gap_tolerance(float(gaps.min()))]
    gap = float(np.median(low))
    steps = np.round(gaps / gap)
    tolerance = gap_tolerance(gap) * np.maximum(1.0, steps)
    if (np.abs(gaps - steps * gap) > tolerance).any():
        return None
    return steps, gap


def _refuse_gap(gaps: FloatArray, steps: FloatArray, gap: float) -> None:
    """Name the first gap, where it is and how many slices are missing."""
    first = int(np.argmax(steps > 1))
    lost = int((steps - 1).sum())
    appears = "one slice appears" if lost == 1 else f"{lost} slices appear"
    where = f"after slice {first + 1} of {len(gaps) + 1}"
    raise IntakeError("E_GEOM_GAP", f"gap {gaps[first]:.2f} mm {where} (expected {gap:.2f} mm); {appears} missing")


def _refuse_uneven(gaps: FloatArray, median: float, tolerance: float) -> None:
    """Name the worst gap."""
    worst = int(np.argmax(np.abs(gaps - median)))
    where = f"after slice {worst + 1} of {len(gaps) + 1}"
    raise IntakeError(
        "E_GEOM_UNEVEN",
        f"all gaps must be {median:.3f} mm within {tolerance:.3f} mm, got {gaps[worst]:.3f} mm {where} "
        f"(from {gaps.min():.3f} to {gaps.max():.3f} mm)",
    )


def _require_straight(points: FloatArray, step: FloatArray, places: FloatArray, gap: float) -> None:
    """Refuse slices off the straight line from the first to the last, or half a slice off their place on it."""
    away = points - points[0] - places[:, None] * step
    along = step / np.linalg.norm(step)
    sideways = np.linalg.norm(away - np.outer(away @ along, along), axis=1)
    tolerance = 2.0 * gap_tolerance(gap)  # a gap may use its tolerance on either side
    if sideways.max() > tolerance or np.abs(away @ along).max() > gap / 2:
        off = np.linalg.norm(away, axis=1)
        worst = int(np.argmax(off))
        raise IntakeError(
            "E_GEOM_UNEVEN",
            f"slices must lie on a straight line within {tolerance:.3f} mm, slice {worst + 1} of {len(points)} lies "
            f"{off[worst]:.3f} mm off it",
        )


def _tilt(orientation: ArrayLike, step: FloatArray, gap: float) -> float:
    """Give the lean of the stack in degrees, 0 where the drift is within the rule."""
    normal = normal_of(orientation)
    drift = float(np.linalg.norm(step - (step @ normal) * normal))
    return float(np.degrees(np.arctan2(drift, abs(step @ normal)))) if drift > TILT_SHARE * gap else 0.0
