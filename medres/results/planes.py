"""Volume -> its planes as a reader hangs them: which voxel axis runs where, and the letters on the edges.

Knows geometry only. Radiological convention: the patient's right on the viewer's left. Planes follow the scan's own
voxels; an oblique scan is not turned onto the patient's axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.volume import Volume

Plane = Literal["axial", "coronal", "sagittal", "picture"]

# Where columns (to the right), rows (down) and slices of each plane run.
HANGING: dict[str, str] = {"axial": "LPS", "coronal": "LIA", "sagittal": "PIL"}


@dataclass(frozen=True)
class Slab:
    """Several slices shown as one.

    Attributes:
        middle: index of its middle slice, along the Volume's own slice axis.
        mode: "max" (MIP), "min" (MinIP) or "mean" of the values.
        half: slices on either side of the middle one, at least 1.
    """

    middle: int
    mode: Literal["max", "min", "mean"]
    half: int

    @property
    def words(self) -> str:
        """Such as "MIP of 3 slices"."""
        name = {"max": "MIP", "min": "MinIP", "mean": "mean"}[self.mode]
        return f"{name} of {2 * self.half + 1} slices"


@dataclass(frozen=True, eq=False)
class PlaneGrid:
    """How one plane of a Volume lies on the page.

    Attributes:
        plane: its name.
        order: voxel axes of (columns, rows, slices).
        flips: whether columns, rows run backwards along their voxel axis; slices never do.
        width, height, depth: voxels along columns, rows, slices.
        affine: (4, 4), (column, row, slice) to mm.
        letters: of the left, right, top and bottom edge; empty strings where the side is not known.
    """

    plane: Plane
    order: tuple[int, int, int]
    flips: tuple[bool, bool]
    width: int
    height: int
    depth: int
    affine: NDArray[np.float64]
    letters: tuple[str, str, str, str]

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance of neighbouring columns and rows, mm."""
        columns, rows, _ = geometry.spacing_mm(self.affine)
        return float(columns), float(rows)


def planes_of(volume: Volume) -> tuple[Plane, ...]:
    """List the planes a Volume can be shown in, the one it was made in first.

    Args:
        volume: in patient space or not.

    Returns:
        ("picture",) for a picture or radiograph; one plane for a single slice; else all three.

    Example:
        >>> planes_of(Volume(np.zeros((4, 4, 2)), np.eye(4), "CT"))
        ('axial', 'coronal', 'sagittal')
    """
    if volume.frame == "detector":
        return ("picture",)
    names: list[Plane] = ["axial", "coronal", "sagittal"]
    slice_axis = {name: geometry.reorientation(volume.affine, HANGING[name])[0][2] for name in names}
    names.sort(key=lambda name: -slice_axis[name])
    return (names[0],) if volume.is_picture else tuple(names)


def plane_grid(volume: Volume, plane: Plane) -> PlaneGrid:
    """Lay one plane of a Volume on the page.

    Args:
        volume: grey or colour.
        plane: one of `planes_of(volume)`; "picture" shows columns i and rows j as they are.

    Returns:
        The plane; its slices count along the Volume's own axis, in the Volume's own order.

    Example:
        >>> plane_grid(Volume(np.zeros((4, 5, 2)), np.diag([-1.0, -1, 3, 1]), "CT"), "axial").letters
        ('R', 'L', 'A', 'P')
    """
    if plane == "picture":
        order, flips = (0, 1, 2), (False, False)
    else:
        order, (columns, rows, _) = geometry.reorientation(volume.affine, HANGING[plane])
        flips = (columns, rows)
    width, height, depth = (volume.shape[axis] for axis in order)
    affine = geometry.reoriented_affine(volume.affine, volume.shape, order, (*flips, False))
    return PlaneGrid(plane, order, flips, width, height, depth, affine, _letters(volume, affine))


def _letters(volume: Volume, affine: NDArray[np.float64]) -> tuple[str, str, str, str]:
    if volume.frame == "detector" or "W_NIFTI_NO_SIDE" in volume.codes:
        return "", "", "", ""
    columns, rows, _ = geometry.cosines(affine).T
    directions = (-columns, columns, -rows, rows)
    left, right, top, bottom = (geometry.edge_letters(direction) for direction in directions)
    return left, right, top, bottom


def plane_values(volume: Volume, grid: PlaneGrid, index: int) -> NDArray[np.generic]:
    """Take one slice out of a Volume as it lies on the page.

    Args:
        volume: grey or colour.
        grid: from `plane_grid` of the same Volume.
        index: along the Volume's own slice axis.

    Returns:
        (rows, columns) or (rows, columns, 3), in the Volume's unit.

    Raises:
        IndexError: when there is no such slice.
    """
    if not 0 <= index < grid.depth:
        raise IndexError(f"slice must be in [0, {grid.depth - 1}], got {index}")
    column_axis, row_axis, slice_axis = grid.order
    plane = np.take(volume.voxels, index, axis=slice_axis)
    if column_axis < row_axis:
        plane = np.swapaxes(plane, 0, 1)  # (rows, columns)
    if grid.flips[0]:
        plane = plane[:, ::-1]
    return np.asarray(plane[::-1] if grid.flips[1] else plane)


def slab_values(volume: Volume, grid: PlaneGrid, slab: Slab) -> NDArray[np.generic]:
    """Project several slices onto a plane, as it lies on the page.

    Args:
        volume: grey.
        grid: from `plane_grid` of the same Volume.
        slab: which slices, and how they become one; at the scan's ends there are fewer.

    Returns:
        (rows, columns), in the Volume's unit; float64 for a mean.

    Example:
        >>> stack = Volume(np.arange(8).reshape(2, 2, 2), np.eye(4), "CT")
        >>> slab_values(stack, plane_grid(stack, "axial"), Slab(0, "max", 1)).tolist()
        [[7, 3], [5, 1]]
    """
    first, last = max(0, slab.middle - slab.half), min(grid.depth - 1, slab.middle + slab.half)
    stack = np.stack([plane_values(volume, grid, n) for n in range(first, last + 1)])  # (slices, rows, columns)
    if slab.mode == "mean":
        return np.asarray(stack.mean(axis=0))
    return np.asarray(stack.max(axis=0) if slab.mode == "max" else stack.min(axis=0))


def pixel_to_mm(grid: PlaneGrid, index: int, pixel_mm: float | None = None) -> tuple[NDArray[np.float64], int, int]:
    """Give the affine of a picture of one slice.

    Args:
        grid: the plane.
        index: the slice.
        pixel_mm: side of a square pixel; None gives one pixel for each voxel.

    Returns:
        (affine (4, 4): (column, row, 0) of the picture to mm, width, height).

    Example:
        >>> grid = plane_grid(Volume(np.zeros((4, 4, 2)), np.eye(4), "CT"), "axial")
        >>> pixel_to_mm(grid, 0, 0.5)[1:]
        (8, 8)
    """
    shifted = geometry.shifted_affine(grid.affine, (0, 0, index))
    if pixel_mm is None:
        return shifted, grid.width, grid.height
    columns_mm, rows_mm = grid.pixel_mm
    width = max(1, round(grid.width * columns_mm / pixel_mm))
    height = max(1, round(grid.height * rows_mm / pixel_mm))
    return geometry.scaled_affine(shifted, (grid.width / width, grid.height / height, 1.0)), width, height
