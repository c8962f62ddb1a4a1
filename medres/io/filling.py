"""Slices with gaps or uneven distances between them -> every plane of an even grid, in the array they stand in.

Linear between the two slices around each place. Knows arrays and places; no file. Works in place, so that a filled
volume takes no more memory than one that was whole from the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.io.grid import Grid


def planes_before(grid: Grid) -> int:
    """Count the planes that must stay free before the first slice, so that no plane is overwritten before its use.

    Args:
        grid: where the slices lie.

    Returns:
        0 where nothing is to be filled in.

    Example:
        >>> planes_before(Grid(np.eye(4), 1.0, 0.0, np.array([0.0, 1.0, 3.0, 4.0]), 5))  # one missing, one spare
        2
    """
    if grid.is_regular:
        return 0
    below = _below(grid)
    return max(0, int((np.arange(grid.count) - below).max()))


def fill_planes(planes: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Interpolate values onto the grid, in place.

    Args:
        planes: (free + n, j, i) float32, the n slices after `planes_before(grid)` free planes.
        grid: where the slices lie.

    Returns:
        (grid.count, j, i), a view of `planes`.
    """
    free = len(planes) - len(grid.places)
    for k, (below, share) in enumerate(zip(_below(grid), _shares(grid), strict=True)):
        above = planes[free + below + 1] * share
        np.multiply(planes[free + below], 1 - share, out=planes[k])
        planes[k] += above
    return planes[: grid.count]


def fill_marks(marks: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Mark every place between slices that one of them marks, in place.

    Args:
        marks: (free + n, j, i), as for `fill_planes`.
        grid: where the slices lie.

    Returns:
        (grid.count, j, i), a view of `marks`.
    """
    free = len(marks) - len(grid.places)
    for k, (below, share) in enumerate(zip(_below(grid), _shares(grid), strict=True)):
        above = marks[free + below + 1] & bool(share > 0)
        np.logical_and(marks[free + below], bool(share < 1), out=marks[k])
        marks[k] |= above
    return marks[: grid.count]


def _below(grid: Grid) -> NDArray[np.intp]:
    """Give, for each plane of the grid, the number of the slice below it; the last but one at most."""
    return np.clip(np.searchsorted(grid.places, np.arange(grid.count)), 1, len(grid.places) - 1) - 1


def _shares(grid: Grid) -> NDArray[np.float32]:
    """Give, for each plane of the grid, the share of the slice above it, in [0, 1]."""
    below = _below(grid)
    low, high = grid.places[below], grid.places[below + 1]
    return np.clip((np.arange(grid.count) - low) / (high - low), 0.0, 1.0).astype(np.float32)
