"""Planes into one array: memory, threads, and the same result whatever their number."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medres.io import find_series, read_series, stack
from tests.phantoms_dicom import phantom_voxels, put_jpeg2000, save_ct

SIDE, COUNT = 256, 40
PLANE = SIDE * SIDE * 4  # bytes of one float32 slice


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_peak_memory_is_at_most_1_3_volumes_and_one_plane_per_thread(tmp_path: Path, slope: float) -> None:
    voxels = phantom_voxels((SIDE, SIDE, COUNT)) % 2000

    def padded(ds: Dataset, k: int) -> None:
        ds.add_new(0x00280120, "US", round((-1000 + 1024) / slope))

    save_ct(tmp_path, padded, voxels=voxels.astype(np.int16), slope=slope)
    series = find_series(tmp_path, headers_only=True).series[0]
    tracemalloc.start()
    volume = read_series(series)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert volume.voxels.dtype == (np.int16 if slope == 1.0 else np.float32)
    float32_bytes = SIDE * SIDE * COUNT * 4
    assert peak < 1.3 * float32_bytes + 2 * PLANE


def test_inspecting_pixels_keeps_none(tmp_path: Path) -> None:
    save_ct(tmp_path, voxels=phantom_voxels((SIDE, SIDE, COUNT)) % 2000)
    tracemalloc.start()
    find_series(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * PLANE


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_gives_the_same_volume(
    tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_ct(tmp_path, lambda ds, k: put_jpeg2000(ds))
    monkeypatch.setattr(stack, "MOST_THREADS", threads)
    monkeypatch.setattr(stack.os, "cpu_count", lambda: threads)
    assert np.array_equal(read_series(find_series(tmp_path).series[0]).voxels, phantom_voxels())
