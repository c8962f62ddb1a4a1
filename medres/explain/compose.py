"""Maps of single views (a whole grid, slices, patches) -> one map on one native grid with its affine.

Knows where views lie; knows no network and no class.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medres.models.cells import Cells
from medres.preprocessing.model_input import ModelInput, View

Map: TypeAlias = NDArray[np.float32]
Composed: TypeAlias = tuple[Map, NDArray[np.float64]]


def compose(maps: Map, cells: Cells, given: ModelInput) -> Composed:
    """Put the maps of all views onto one grid.

    Args:
        maps: (V, *spatial), one for each view (V = 1 for a whole grid), in the tensor's axis order.
        cells: where the cells lie in one view, in the tensor's axis order.
        given: what the network was shown.

    Returns:
        (relevance (i, j, k), affine (4, 4) from its index to mm). Where patches overlap, the larger value stands.
    """
    if maps.ndim == 4:
        start, step = np.array(cells.start), np.array(cells.step)
        if not given.views:
            return maps[0], _affine(given, start, step)
        return _patches(maps, start, step, given)
    flat_axis = _flat_axis(given.views)
    planes = np.stack([maps.swapaxes(1, 2)[n] for n in range(len(maps))], axis=flat_axis)  # (i, j, k)
    start, step = np.insert(cells.start[::-1], flat_axis, 0.0), np.insert(cells.step[::-1], flat_axis, 1.0)
    if not given.views:
        return planes, _affine(given, start, step)
    return _slices(planes, start, step, flat_axis, given)


def _affine(given: ModelInput, start: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Affine from native index to mm: cell n lies at prepared index `start + step n`."""
    native_to_prepared = np.diag([*step, 1.0])
    native_to_prepared[:3, 3] = start
    return np.asarray(given.affine @ native_to_prepared)


def _flat_axis(views: tuple[View, ...]) -> int:
    """Axis across the slices; a picture has k = 1."""
    if not views:
        return 2
    starts = np.array([view.start for view in views])
    moving = np.flatnonzero(np.ptp(starts, axis=0) > 0)
    return int(moving[0]) if moving.size else int(np.argmin(views[0].size))


def _slices(
    planes: Map, start: NDArray[np.float64], step: NDArray[np.float64], axis: int, given: ModelInput
) -> Composed:
    """Stack slices at their own places; unevenly spaced ones each stand for the prepared slices nearest to them."""
    places = np.array([view.start[axis] for view in given.views], float)
    gaps = np.diff(places)
    if gaps.size == 0 or np.ptp(gaps) == 0:
        start[axis], step[axis] = places[0], gaps[0] if gaps.size else given.shape[axis]
        return planes, _affine(given, start, step)
    nearest = np.abs(np.arange(given.shape[axis])[:, None] - places).argmin(axis=1)
    return np.take(planes, nearest, axis=axis), _affine(given, start, step)


def _patches(maps: Map, start: NDArray[np.float64], step: NDArray[np.float64], given: ModelInput) -> Composed:
    """Lay all patches on one lattice that begins with the first patch; each takes its nearest cell."""
    counts = [int((n - 0.5 - first) // width) + 1 for n, first, width in zip(given.shape, start, step, strict=True)]
    lattice = [first + width * np.arange(max(1, n)) for n, first, width in zip(counts, start, step, strict=True)]
    result = np.zeros([len(places) for places in lattice], np.float32)
    for view, patch in zip(given.views, maps, strict=True):
        inside, nearest = [], []
        for axis, places in enumerate(lattice):
            low, high = view.start[axis] - 0.5, view.start[axis] + view.size[axis] - 0.5
            within = np.flatnonzero((places >= low) & (places <= high))
            cell = np.rint((places[within] - view.start[axis] - start[axis]) / step[axis]).astype(int)
            inside.append(within)
            nearest.append(np.clip(cell, 0, patch.shape[axis] - 1))
        box = np.ix_(*inside)
        result[box] = np.maximum(result[box], patch[np.ix_(*nearest)])
    return result, _affine(given, start, step)
