"""A scan's grid and a spec -> the grid that the network is shown: orientation, spacing, size. No voxel is touched.

Knows geometry only.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.preprocessing.spec import PatchesView, PreprocessingSpec

SHEAR_TOLERANCE_DEGREES = 0.1  # below it a grid counts as orthogonal: 0.5 mm over a stack of 300 mm


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centres without voxels.

    Attributes:
        affine: (4, 4), index to mm.
        shape: (3,), voxels along i, j, k.
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]


def target_grid(source: Grid, spec: PreprocessingSpec, codes: str | None) -> Grid:
    """Lay the grid that a spec asks for over a scan.

    Args:
        source: the scan's own grid.
        spec: what the network is shown.
        codes: orientation to bring it into, such as "RAS"; None keeps the scan's axes.

    Returns:
        The prepared grid; its affine says where it lies.
    """
    grid = source if spec.spacing_mm is None else straightened(source)
    grid = grid if codes is None else oriented(grid, codes)
    if spec.spacing_mm is not None:
        grid = spaced(grid, spec.spacing_mm)
    if spec.size is not None:
        grid = fitted(grid, spec.size, spec.fit)
    return _at_least(grid, spec.views.size) if isinstance(spec.views, PatchesView) else grid


def oriented(grid: Grid, codes: str) -> Grid:
    """Permute and reverse axes.

    Args:
        grid: in patient space.
        codes: three letters such as "RAS".

    Returns:
        The same voxel centres in another order.
    """
    order, flips = geometry.reorientation(grid.affine, codes)
    affine = geometry.reoriented_affine(grid.affine, grid.shape, order, flips)
    return Grid(affine, tuple(grid.shape[axis] for axis in order))  # type: ignore[arg-type]


def straightened(grid: Grid) -> Grid:
    """Stand a sheared stack (a tilted gantry) upright: an orthogonal grid around the whole of it.

    Args:
        grid: as acquired; where two axes could lean, k is taken as the stack. An orthogonal one is given back as it is.

    Returns:
        A grid of the same in-plane axes whose stacking axis is their normal, just large enough for every old voxel.
    """
    axis = _stacking_axis(grid.affine)
    if _lean_degrees(grid.affine, axis) < SHEAR_TOLERANCE_DEGREES:
        return grid
    upright = grid.affine.copy()
    first, second = (upright[:3, other] for other in range(3) if other != axis)
    normal = np.cross(first, second)
    normal = normal / np.linalg.norm(normal)
    upright[:3, axis] = normal * (normal @ grid.affine[:3, axis])
    return _around(grid, upright)


def _stacking_axis(affine: NDArray[np.float64]) -> int:
    """Find the axis whose two others are the most nearly orthogonal: slices are square, their stack may lean."""
    unit = geometry.cosines(affine)
    return min((2, 1, 0), key=lambda axis: round(abs(float(unit[:, axis - 1] @ unit[:, axis - 2])), 9))


def _lean_degrees(affine: NDArray[np.float64], axis: int) -> float:
    """Measure how far an axis leans off the normal of the two others."""
    order = [other for other in range(3) if other != axis] + [axis]
    turned = affine.copy()
    turned[:, :3] = affine[:, order]
    return geometry.shear_degrees(turned)


def _around(grid: Grid, affine: NDArray[np.float64]) -> Grid:
    """Extend a lattice of voxels (given by an affine) around every corner voxel of a grid."""
    corners = np.array(list(itertools.product(*((0, n - 1) for n in grid.shape))), float)  # (8, 3)
    there = geometry.apply_affine(geometry.index_to_index(grid.affine, affine), corners)
    lowest = np.floor(there.min(axis=0) + 1e-6)
    highest = np.ceil(there.max(axis=0) - 1e-6)
    shape = (highest - lowest).astype(int) + 1
    return Grid(geometry.shifted_affine(affine, lowest), tuple(int(n) for n in shape))  # type: ignore[arg-type]


def spaced(grid: Grid, spacing_mm: tuple[float, ...]) -> Grid:
    """Lay a grid of another spacing over the same field of view.

    Args:
        grid: any.
        spacing_mm: (3,), or (2,) for pictures, whose third axis stays.

    Returns:
        The grid, outer edges of the first voxel where they were.
    """
    own = geometry.spacing_mm(grid.affine)
    wanted = (*spacing_mm, *own[len(spacing_mm) :])
    return Grid(*geometry.spaced_grid(grid.affine, grid.shape, wanted))


def fitted(grid: Grid, size: tuple[int, ...], fit: str) -> Grid:
    """Bring a grid to a fixed size about its centre.

    Args:
        grid: any.
        size: (3,), or (2,) for pictures, whose third axis stays; 0 keeps an axis.
        fit: "crop_pad", "contain" or "stretch".

    Returns:
        A grid of that size with the same centre (crop_pad: to within half a voxel, so that no voxel is interpolated).
    """
    wanted = np.array([*size, *(0,) * (3 - len(size))])
    shape = np.array(grid.shape)
    fixed = wanted > 0
    wanted = np.where(fixed, wanted, shape)
    if fit == "crop_pad":
        return _cropped(grid, wanted)
    ratio = shape / wanted
    if fit == "contain":
        ratio = np.where(fixed, ratio[fixed].max(), 1.0)
    return _centred(grid, wanted, ratio)


def _cropped(grid: Grid, size: NDArray[np.int_]) -> Grid:
    """Crop or pad about the centre by whole voxels."""
    start = np.floor_divide(np.array(grid.shape) - size, 2)
    return Grid(geometry.shifted_affine(grid.affine, start), tuple(int(n) for n in size))  # type: ignore[arg-type]


def _centred(grid: Grid, size: NDArray[np.int_], ratio: NDArray[np.float64]) -> Grid:
    """Lay voxels `ratio` times as large about the same centre."""
    step = np.diag([*ratio, 1.0])
    step[:3, 3] = (np.array(grid.shape) - 1.0) / 2.0 - ratio * (size - 1.0) / 2.0
    return Grid(grid.affine @ step, tuple(int(n) for n in size))  # type: ignore[arg-type]


def _at_least(grid: Grid, size: tuple[int, int, int]) -> Grid:
    """Pad a grid that is smaller than one patch."""
    return _cropped(grid, np.maximum(grid.shape, size))
