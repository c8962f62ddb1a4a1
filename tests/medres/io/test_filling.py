"""Missing and uneven slices: the same planes as a plain interpolation gives, within the memory of the result."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medres.io import find_series, read_series
from medres.io.filling import fill_marks, fill_planes, planes_before
from medres.io.grid import Grid
from tests.phantoms_dicom import ct_slices, save

MOST_MEMORY = 1.3  # times the float32 volume, plus one slice


def grid_of(places: np.ndarray) -> Grid:
    return Grid(np.eye(4), 1.0, 0.0, places, round(float(places[-1])) + 1)


@given(gaps=st.lists(st.floats(0.3, 4.0), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_filling_in_place_equals_a_plain_interpolation(gaps: list[float], seed: int) -> None:
    places = np.concatenate(([0.0], np.cumsum(gaps)))
    places *= max(1, round(places[-1])) / places[-1]
    grid, rng = grid_of(places), np.random.default_rng(seed)
    slices = rng.normal(size=(len(places), 2, 3)).astype(np.float32)
    room = np.full((planes_before(grid) + len(places), 2, 3), np.nan, np.float32)
    room[planes_before(grid) :] = slices
    expected = [[np.interp(range(grid.count), places, slices[:, j, i]) for i in range(3)] for j in range(2)]
    assert np.allclose(fill_planes(room, grid), np.moveaxis(expected, -1, 0), atol=1e-4)


def test_a_mark_spreads_to_the_places_between_its_slice_and_the_next() -> None:
    grid = grid_of(np.array([0.0, 1.0, 3.0]))
    marks = np.zeros((planes_before(grid) + 3, 1, 1), np.bool_)
    marks[planes_before(grid) + 1] = True
    assert fill_marks(marks, grid).ravel().tolist() == [False, True, True, False]


@pytest.mark.parametrize("option", ["allow_gaps", "resample_uneven"])
def test_filling_takes_no_more_memory_than_the_result_and_a_slice(tmp_path: Path, option: str) -> None:
    slices = ct_slices(np.zeros((160, 140, 40), np.int16))
    if option == "allow_gaps":
        del slices[10:13], slices[20]
    for k, ds in enumerate(slices if option == "resample_uneven" else ()):
        ds.ImagePositionPatient = [0, 0, 2.5 * k + 0.4 * (k % 2)]
    save(slices, tmp_path)
    series = find_series(tmp_path, headers_only=True, **{option: True}).series[0]
    tracemalloc.start()
    volume = read_series(series)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= MOST_MEMORY * 4 * volume.voxels.size + 4 * volume.voxels[:, :, 0].size
