"""Voxels on one grid -> voxels on another: linear interpolation, smoothed where the new grid is coarser.

Knows arrays and index-to-index affines only. Single-threaded and without BLAS, so that the same bytes come out on every
number of threads; slab by slab, so that a whole CT never stands in memory twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from medres import geometry

SNAP_VOXELS = 1e-4  # an offset or drift below this is rounding noise of the affines, not a shift
PLANES_AT_ONCE = 16  # planes gathered together: memory stays bounded, and strided reads stay few
EDGE_VOXELS = 0.5 + 1e-6  # a voxel reaches half its size beyond its centre

Matrix = NDArray[np.float64]
Shape = tuple[int, int, int]


def resample(voxels: NDArray, matrix: Matrix, shape: Shape, fill: float) -> NDArray[np.float32]:
    """Interpolate voxels at the centres of another grid.

    Along an axis that gets coarser each new voxel is a triangle-weighted mean as wide as itself (no aliasing); along
    any other axis this is plain linear interpolation, and whole-voxel shifts are exact copies.

    Args:
        voxels: (i, j, k), any real type.
        matrix: (4, 4), index of the new grid to index of the old one.
        shape: (3,), of the new grid.
        fill: value of new voxels whose centre lies outside the old grid.

    Returns:
        (i, j, k) float32 on the new grid.
    """
    stack = _stacking_axis(matrix, shape)
    if is_axis_aligned(matrix, shape):
        found = _resample_separable(voxels, np.diag(matrix)[:3], matrix[:3, 3], shape)
    elif stack is not None:
        found = _resample_sheared(voxels, matrix, shape, stack)
    else:
        found = _resample_oblique(voxels, matrix, shape)
    _fill_outside(found, matrix, voxels.shape, fill)
    return found


def is_axis_aligned(matrix: Matrix, shape: Shape) -> bool:
    """Tell whether two grids have the same axes in the same order and direction.

    Args:
        matrix: (4, 4), index of one grid to index of the other.
        shape: (3,), of the first grid.
    """
    drift = np.abs(matrix[:3, :3] - np.diag(np.diag(matrix)[:3])) * np.array(shape)
    return bool(drift.max() < SNAP_VOXELS and np.diag(matrix)[:3].min() > 0)


def _stacking_axis(matrix: Matrix, shape: Shape) -> int | None:
    """Find the axis along which planes are shifted against each other (a gantry tilt); None where not exactly one."""
    drift = np.abs(matrix[:3, :3] - np.diag(np.diag(matrix)[:3])) * np.array(shape) >= SNAP_VOXELS  # (old, new)
    columns = np.flatnonzero(drift.any(axis=0))
    if len(columns) != 1 or drift[columns[0]].any() or np.diag(matrix)[:3].min() <= 0:
        return None
    return int(columns[0])


def nearest(mask: NDArray[np.bool_], matrix: Matrix, shape: Shape) -> NDArray[np.bool_]:
    """Look a mask up at the centres of another grid; True outside the old one.

    Args:
        mask: (i, j, k) bool, such as a padding mask.
        matrix: (4, 4), index of the new grid to index of the old one.
        shape: (3,), of the new grid.

    Returns:
        (i, j, k) bool on the new grid.
    """
    if is_axis_aligned(matrix, shape):
        return _nearest_separable(mask, matrix, shape)
    found = np.ones(shape, bool)
    for i in range(shape[0]):
        places = [np.rint(axis).astype(int) for axis in _places(matrix, shape, i)]  # three of (j, k)
        inside = np.all([(p >= 0) & (p < n) for p, n in zip(places, mask.shape, strict=True)], axis=0)  # (j, k)
        found[i][inside] = mask[tuple(place[inside] for place in places)]
    return found


def _nearest_separable(mask: NDArray[np.bool_], matrix: Matrix, shape: Shape) -> NDArray[np.bool_]:
    """Look a mask up one axis at a time."""
    places = [np.rint(matrix[a, a] * np.arange(shape[a]) + matrix[a, 3]).astype(int) for a in range(3)]
    found: NDArray[np.bool_] = mask[np.ix_(*(np.clip(p, 0, n - 1) for p, n in zip(places, mask.shape, strict=True)))]
    beyond = [(place < 0) | (place >= n) for place, n in zip(places, mask.shape, strict=True)]
    found |= beyond[0][:, None, None] | beyond[1][None, :, None] | beyond[2][None, None, :]
    return found


def outside(matrix: Matrix, shape: Shape, old_shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Tell which centres of a new grid lie outside an old one.

    Args:
        matrix: (4, 4), index of the new grid to index of the old one.
        shape: (3,), of the new grid.
        old_shape: (3,).

    Returns:
        (i, j, k) bool, or None when all lie inside.
    """
    if _all_inside(matrix, shape, old_shape):
        return None
    found = np.zeros(shape, bool)
    for i in range(shape[0]):
        for place, length in zip(_places(matrix, shape, i), old_shape, strict=True):
            found[i] |= (place < -EDGE_VOXELS) | (place > length - 1 + EDGE_VOXELS)  # (j, k)
    return found if found.any() else None


def _all_inside(matrix: Matrix, shape: Shape, old_shape: tuple[int, ...]) -> bool:
    """Tell from its extremes whether the whole new grid lies inside the old one."""
    steps = matrix[:3, :3] * (np.array(shape) - 1.0)[None, :]
    lowest = matrix[:3, 3] + np.minimum(steps, 0.0).sum(axis=1)
    highest = matrix[:3, 3] + np.maximum(steps, 0.0).sum(axis=1)
    return bool((lowest >= -EDGE_VOXELS).all() and (highest <= np.array(old_shape) - 1.0 + EDGE_VOXELS).all())


def _places(matrix: Matrix, shape: Shape, i: int) -> list[NDArray[np.float64]]:
    """Give the old indices of plane i of the new grid: three arrays (j, k)."""
    j, k = np.arange(shape[1])[:, None], np.arange(shape[2])[None, :]
    return [row[0] * i + row[1] * j + row[2] * k + row[3] for row in matrix[:3]]


def _fill_outside(found: NDArray[np.float32], matrix: Matrix, old_shape: tuple[int, ...], fill: float) -> None:
    """Write `fill` where the new grid reaches beyond the old one."""
    beyond = outside(matrix, found.shape, old_shape)  # type: ignore[arg-type]
    if beyond is not None:
        found[beyond] = fill


def _weights(length: int, new_length: int, ratio: float, offset: float) -> sparse.csr_array:
    """Make the (new, old) matrix of triangle weights along one axis.

    Args:
        length: voxels of the old axis.
        new_length: voxels of the new axis.
        ratio: size of a new voxel in old ones.
        offset: old index of the first new centre.

    Returns:
        Rows sum to 1; a new centre outside takes its nearest old voxel (overwritten by the fill value later).
    """
    if abs(ratio - 1.0) * new_length < SNAP_VOXELS and abs(offset - round(offset)) < SNAP_VOXELS:
        ratio, offset = 1.0, float(round(offset))
    reach = max(1.0, ratio)
    centres = np.clip(offset + ratio * np.arange(new_length), 0.0, length - 1.0)  # (new,)
    first = np.ceil(centres - reach).astype(int)
    taps = first[:, None] + np.arange(int(2 * reach) + 1)[None, :]  # (new, taps)
    weight = np.maximum(0.0, 1.0 - np.abs(taps - centres[:, None]) / reach)
    weight[(taps < 0) | (taps >= length)] = 0.0
    weight = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    rows, columns = np.nonzero(weight)
    found = sparse.csr_array(
        (weight[rows, columns], (rows, taps[rows, columns])), shape=(new_length, length), dtype=np.float32
    )
    found.sort_indices()
    return found


def _resample_separable(voxels: NDArray, ratio: Matrix, offset: Matrix, shape: Shape) -> NDArray[np.float32]:
    """Interpolate planes along j and i, then between planes: always in this order, however the voxels lie in memory."""
    weights = [_weights(voxels.shape[a], shape[a], float(ratio[a]), float(offset[a])) for a in range(3)]
    planes = np.empty((voxels.shape[2], shape[0], shape[1]), np.float32)
    for block in range(0, voxels.shape[2], PLANES_AT_ONCE):
        source = np.ascontiguousarray(np.moveaxis(voxels[:, :, block : block + PLANES_AT_ONCE], 2, 0), np.float32)
        for n, plane in enumerate(source):  # (old i, old j)
            narrow = _apply(weights[1], np.ascontiguousarray(plane.T))  # (new j, old i)
            planes[block + n] = _apply(weights[0], np.ascontiguousarray(narrow.T))  # (new i, new j)
    found = _apply(weights[2], planes.reshape(len(planes), -1)).reshape(-1, *planes.shape[1:])  # (new k, new i, new j)
    return np.ascontiguousarray(np.moveaxis(found, 0, 2))


def _resample_sheared(voxels: NDArray, matrix: Matrix, shape: Shape, stack: int) -> NDArray[np.float32]:
    """Interpolate along the stack, then shift and interpolate each plane by itself: exactly the trilinear weights."""
    across = [axis for axis in range(3) if axis != stack]
    planes = np.moveaxis(voxels, stack, 0)  # (old stack, first, second)
    along = _weights(voxels.shape[stack], shape[stack], float(matrix[stack, stack]), float(matrix[stack, 3]))
    found = np.empty((shape[stack], *(shape[axis] for axis in across)), np.float32)
    for n in range(shape[stack]):
        taps = slice(along.indptr[n], along.indptr[n + 1])
        plane = sum(
            w * planes[t].astype(np.float32) for w, t in zip(along.data[taps], along.indices[taps], strict=True)
        )
        for axis in across:  # rows become columns twice: back in order at the end
            offset = float(matrix[axis, 3] + matrix[axis, stack] * n)
            weights = _weights(voxels.shape[axis], shape[axis], float(matrix[axis, axis]), offset)
            plane = _apply(weights, np.ascontiguousarray(plane)).T
        found[n] = plane
    return np.ascontiguousarray(np.moveaxis(found, 0, stack))


def _apply(weights: sparse.csr_array, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh rows of (old, n) into (new, n); an exact copy costs no arithmetic."""
    if weights.nnz == weights.shape[0]:  # one tap each
        return np.asarray(values[weights.indices])
    return np.asarray(weights @ values, np.float32)


def _resample_oblique(voxels: NDArray, matrix: Matrix, shape: Shape) -> NDArray[np.float32]:
    """Smooth along the old axes where the new grid is coarser, then interpolate through the whole affine."""
    ratio = np.maximum(1.0, np.abs(matrix[:3, :3]).max(axis=1))  # old voxels that one new step crosses, per old axis
    smaller = np.maximum(1, np.ceil(np.array(voxels.shape) / ratio - 1e-6)).astype(int)
    offset = (np.array(voxels.shape) - 1.0) / 2.0 - ratio * (smaller - 1.0) / 2.0
    smooth = _resample_separable(voxels, ratio, offset, tuple(int(n) for n in smaller))  # type: ignore[arg-type]
    step = np.diag([*ratio, 1.0])
    step[:3, 3] = offset
    through = geometry.index_to_index(matrix, step)  # new grid -> smoothed grid
    found = ndimage.affine_transform(smooth, through, output_shape=shape, output=np.float32, order=1, mode="nearest")
    return np.asarray(found)
