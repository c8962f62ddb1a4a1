"""A CSV of lesion points in mm -> points in RAS+ mm, every fault named by its row.

One row for each lesion. The header names the frame, so that left and right are never guessed:
`x_ras_mm, y_ras_mm, z_ras_mm` (as NIfTI tools show places) or `x_lps_mm, y_lps_mm, z_lps_mm` (DICOM's patient
coordinates), and optionally `diameter_mm`. Knows no scan but its grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.datasets.table import Table, name_rows, read_table
from medres.errors import DatasetError

FRAMES = ("ras", "lps")
DIAMETER = "diameter_mm"
EDGE_VOXELS = 0.5 + 1e-6  # a voxel reaches half its size beyond its centre
FIRST_ROW = 2  # the header is row 1


@dataclass(frozen=True)
class Point:
    """Where a lesion is.

    Attributes:
        centre_mm: (3,), RAS+ mm.
        diameter_mm: None where it was not given.
        row: in its file, the header being row 1.
    """

    centre_mm: tuple[float, float, float]
    diameter_mm: float | None = None
    row: int = FIRST_ROW


def read_points(path: Path) -> tuple[Point, ...]:
    """Read the lesion points of one scan.

    Args:
        path: CSV as described above; a header alone says that the scan has no lesion.

    Returns:
        Points, in the order of the file.

    Raises:
        DatasetError: `E_POINTS` with the rows by number.
    """
    table = _read(path)
    frame = _frame_of(table.columns)
    names = [f"{axis}_{frame}_mm" for axis in "xyz"]
    cells = [(number, dict(zip(table.columns, row, strict=True))) for number, row in table.rows]
    found = [(number, [_number(row[name]) for name in names], row.get(DIAMETER, "")) for number, row in cells]
    _refuse(
        [number for number, place, _ in found if not all(map(math.isfinite, place))],
        "coordinates must be finite numbers in mm with a point for the decimals",
    )
    _refuse(
        [number for number, _, text in found if text and not 0.0 < _number(text) < math.inf],
        f"{DIAMETER} must be a number above 0, or empty",
    )
    turn = np.eye(3) if frame == "ras" else geometry.LPS_TO_RAS[:3, :3]
    return tuple(
        Point(_triple(turn @ np.array(place)), _number(text) if text else None, number) for number, place, text in found
    )


def check_points(points: Sequence[Point], affine: NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    """Refuse points that do not lie on their scan; where the other frame would fit, say so.

    Args:
        points: of `read_points`.
        affine: (4, 4), index of the scan to RAS+ mm.
        shape: (3,), of the scan.

    Raises:
        DatasetError: `E_POINTS` with the rows by number.

    Example:
        >>> check_points([Point((1.0, 1.0, 1.0))], np.eye(4), (4, 4, 4))
    """
    outside = [point for point in points if not _lies_on(point.centre_mm, affine, shape)]
    if not outside:
        return
    turned = [_triple(geometry.LPS_TO_RAS[:3, :3] @ point.centre_mm) for point in points]
    cure = "choose the points of this scan, in its patient coordinates (mm, not voxels)"
    if all(_lies_on(place, affine, shape) for place in turned):
        cure = "in the other frame (ras for lps, lps for ras) every point would: correct the header"
    told = f"every point must lie on its scan, got {len(outside)} of {len(points)} outside"
    raise DatasetError("E_POINTS", f"{told} ({name_rows(point.row for point in outside)} of the points)", cure)


def _lies_on(place: Sequence[float], affine: NDArray[np.float64], shape: tuple[int, int, int]) -> bool:
    index = geometry.apply_affine(np.linalg.inv(affine), np.asarray(place, float))
    return bool(((index >= -EDGE_VOXELS) & (index <= np.array(shape) - 1 + EDGE_VOXELS)).all())


def _read(path: Path) -> Table:
    """Read the table; unlike a manifest, a header alone is allowed."""
    try:
        return read_table(path, may_be_empty=True)
    except DatasetError as error:
        told = error.what.replace("the manifest", "the file of points")
        raise DatasetError("E_POINTS", told) from None


def _frame_of(columns: Sequence[str]) -> str:
    """Name the frame that the header states; refuse none, both and unknown columns."""
    known = {frame: [f"{axis}_{frame}_mm" for axis in "xyz"] for frame in FRAMES}
    whole = [frame for frame in FRAMES if set(known[frame]) <= set(columns)]
    others = set(columns) - {DIAMETER} - (set(known[whole[0]]) if len(whole) == 1 else set())
    if len(whole) != 1 or others:
        told = "the header must be x_ras_mm, y_ras_mm, z_ras_mm or x_lps_mm, y_lps_mm, z_lps_mm, and perhaps "
        raise DatasetError(
            "E_POINTS", f"{told}{DIAMETER}, got {', '.join(columns[:8])}", "name the frame in the header"
        )
    return whole[0]


def _number(text: str) -> float:
    """Read a number; what is none becomes NaN, which the caller refuses with its row."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _refuse(rows: Sequence[int], rule: str) -> None:
    if rows:
        raise DatasetError("E_POINTS", f"{rule}, got otherwise in {name_rows(rows)} of the points")


def _triple(place: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) + 0.0 for value in place)  # + 0.0: no minus zero
    return x, y, z
