"""Coverage against a count over every voxel of the scan."""

from __future__ import annotations

import numpy as np
import pytest

from medres import geometry
from medres.preprocessing.coverage import coverage
from medres.preprocessing.grid import Grid
from medres.preprocessing.views import seen_along
from tests.small import CT_AFFINE, noise_volume

WHOLE = (20, 18, 12)


def slow_coverage(scan, grid, seen):
    """Walk over the scan's voxels one by one."""
    matrix = geometry.index_to_index(scan.affine, grid.affine)
    shown = total = 0
    for index in np.ndindex(scan.shape):
        if scan.padding is not None and scan.padding[index]:
            continue
        place = np.floor(geometry.apply_affine(matrix, index) + 0.5 + 1e-6).astype(int)
        total += 1
        inside = (place >= 0).all() and (place < grid.shape).all()
        shown += bool(inside and all(seen[axis][place[axis]] for axis in range(3)))
    return shown / total if total else 0.0


def grids():
    leaning = CT_AFFINE.copy()
    leaning[1, 2] = 0.6
    turned = CT_AFFINE @ np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, -2], [0, 0, 1, 1], [0, 0, 0, 1.0]])
    flipped = CT_AFFINE @ np.array([[0, -1.0, 0, 15], [1, 0, 0, 2], [0, 0, -2, 10], [0, 0, 0, 1]])
    shifted = geometry.shifted_affine(CT_AFFINE, (5, -3, 4))
    return [Grid(affine, (10, 11, 6)) for affine in (CT_AFFINE, leaning, turned, flipped, shifted)]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("padded", [False, True])
def test_coverage_equals_a_slow_count(number, padded):
    padding = np.random.default_rng(0).random(WHOLE) < 0.3 if padded else None
    scan, grid = noise_volume(padding=padding), grids()[number]
    seen = seen_along((), grid.shape)
    assert coverage(scan, grid, seen) == slow_coverage(scan, grid, seen)


def test_slices_that_are_not_shown_do_not_count():
    scan = noise_volume()
    seen = (np.ones(20, bool), np.ones(18, bool), np.arange(12) % 3 == 0)
    assert coverage(scan, Grid(scan.affine, scan.shape), seen) == pytest.approx(1 / 3)


def test_a_scan_of_padding_alone_is_not_seen():
    scan = noise_volume(padding=np.ones(WHOLE, bool))
    assert coverage(scan, Grid(scan.affine, scan.shape), seen_along((), WHOLE)) == 0.0
