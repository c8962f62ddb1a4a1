"""Prepared grid -> the views a network sees (the whole, slices, patches), and the tensor of them.

Knows no file, no modality and no network.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from medres.preprocessing.model_input import View
from medres.preprocessing.spec import PatchesView, PreprocessingSpec, SlicesView, Views

Shape = tuple[int, int, int]


def find_views(spec: Views, shape: Shape) -> tuple[View, ...]:
    """Lay the views of a spec over a grid.

    Args:
        spec: whole, slices or patches.
        shape: (3,), voxels of the prepared grid; at least the patch's size along each axis.

    Returns:
        The views in the order of the tensor; empty for the whole grid.

    Example:
        >>> [view.start[2] for view in find_views(SlicesView(count=2), (8, 8, 10))]
        [2, 7]
    """
    if isinstance(spec, SlicesView):
        return _slices(spec, shape)
    return _patches(spec, shape) if isinstance(spec, PatchesView) else ()


def _slices(spec: SlicesView, shape: Shape) -> tuple[View, ...]:
    """Take the middle slice of each of `count` equal parts of the axis."""
    length = shape[spec.axis]
    count = min(spec.count or length, length)
    places = [int((n + 0.5) * length / count) for n in range(count)]
    size = tuple(1 if axis == spec.axis else shape[axis] for axis in range(3))
    starts = [tuple(place if axis == spec.axis else 0 for axis in range(3)) for place in places]
    return tuple(View(start, size) for start in starts)  # type: ignore[arg-type]


def _patches(spec: PatchesView, shape: Shape) -> tuple[View, ...]:
    """Spread patches evenly from edge to edge of each axis, so that every voxel stands in at least one."""
    along = [patch_starts(shape[axis], spec.size[axis], spec.overlap) for axis in range(3)]
    return tuple(View(start, spec.size) for start in itertools.product(*along))  # type: ignore[arg-type]


def patch_starts(length: int, size: int, overlap: float) -> list[int]:
    """Place patches along one axis: the first at its start, the last at its end, none further apart than asked.

    Args:
        length: voxels of the axis, at least `size`.
        size: voxels of a patch.
        overlap: share of a patch that its neighbour repeats, in [0, 1).

    Returns:
        First voxels, rising.

    Example:
        >>> patch_starts(10, 4, 0.25)
        [0, 3, 6]
    """
    step = max(1, int(size * (1.0 - overlap)))
    count = math.ceil((length - size) / step) + 1
    return [int(start) for start in np.round(np.linspace(0, length - size, count)).astype(int)]


def seen_along(views: tuple[View, ...], shape: Shape) -> tuple[NDArray[np.bool_], ...]:
    """Tell for each axis which indices of the grid stand in a view.

    Args:
        views: of `find_views`; empty for the whole grid.
        shape: (3,), voxels of the prepared grid.

    Returns:
        Three bool arrays, (i,), (j,) and (k,); a voxel is seen where all three are True.

    Example:
        >>> seen_along(find_views(SlicesView(count=1), (2, 2, 3)), (2, 2, 3))[2]
        array([False,  True, False])
    """
    seen = tuple(np.full(length, not views) for length in shape)
    for view in views:
        for axis in range(3):
            seen[axis][view.start[axis] : view.start[axis] + view.size[axis]] = True
    return seen


def lay_box(place: ArrayLike, size: Shape, shape: Shape) -> View:
    """Lay a box about a place, moved inside the grid where it would reach out.

    Args:
        place: (3,), index in the prepared grid, whole or not.
        size: (3,), voxels of the box.
        shape: (3,), voxels of the prepared grid, nowhere fewer.

    Returns:
        The box; the place lies in its middle where there is room.

    Example:
        >>> lay_box((5.0, 0.0, 9.0), (4, 4, 4), (10, 10, 10)).start
        (4, 0, 6)
    """
    start = np.rint(np.asarray(place, float) + 0.5 - np.array(size) / 2.0)
    i, j, k = (int(n) for n in np.clip(start, 0, np.array(shape) - size))
    return View((i, j, k), size)


def cut_views(grid: NDArray[np.float32], views: tuple[View, ...], spec: PreprocessingSpec) -> torch.Tensor:
    """Cut the views out of a prepared grid and turn 2D ones to rows by columns.

    Args:
        grid: (C, i, j, k), the prepared grid.
        views: of `find_views`; empty for the whole grid.
        spec: what the network is shown.

    Returns:
        (C, *spatial) without views, (V, C, *spatial) with them; spatial is (i, j, k) in 3D and (rows, columns) in 2D.
    """
    flat_axis = spec.views.axis if isinstance(spec.views, SlicesView) else 2
    if not views:
        return _contiguous(_as_spatial(grid, flat_axis, spec.spatial_dims))  # (C, *spatial)
    if spec.spatial_dims == 3:
        return cut_boxes(grid, views)
    parts = [_as_spatial(_box(grid, view), flat_axis, spec.spatial_dims) for view in views]
    return _contiguous(np.stack(parts))  # (V, C, *spatial)


def cut_boxes(grid: NDArray[np.float32], views: Sequence[View]) -> torch.Tensor:
    """Cut boxes of one size out of a prepared grid, wherever they lie in it.

    Args:
        grid: (C, i, j, k), the prepared grid.
        views: at least one; all of one size, each whole inside the grid.

    Returns:
        (V, C, i, j, k) float32, a copy.

    Example:
        >>> grid = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
        >>> cut_boxes(grid, [View((0, 0, 1), (1, 1, 1)), View((1, 1, 1), (1, 1, 1))]).flatten().tolist()
        [1.0, 7.0]
    """
    found = np.empty((len(views), len(grid), *views[0].size), np.float32)
    for place, view in zip(found, views, strict=True):
        place[...] = _box(grid, view)
    return torch.from_numpy(found)  # (V, C, i, j, k)


def _box(grid: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Cut one view out of (C, i, j, k)."""
    places = (slice(start, start + size) for start, size in zip(view.start, view.size, strict=True))
    return grid[(slice(None), *places)]


def _as_spatial(box: NDArray[np.float32], flat_axis: int, spatial_dims: int) -> NDArray[np.float32]:
    """Turn (C, i, j, k) with one voxel along `flat_axis` into (C, rows, columns); leave 3D as it is."""
    if spatial_dims == 3:
        return box
    plane: NDArray[np.float32] = np.take(box, 0, axis=flat_axis + 1)  # (C, first axis, second axis)
    return plane.swapaxes(1, 2)  # (C, second axis, first axis)


def _contiguous(array: NDArray[np.float32]) -> torch.Tensor:
    """Copy into a tensor of its own, in C order."""
    return torch.from_numpy(np.array(array, np.float32, order="C", copy=True))
