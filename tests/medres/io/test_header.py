"""Headers of many files: parsed once per series, small in memory, fast."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from medres.io import find_series
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from medres.io.instance import Slice
from tests.phantoms_dicom import Geometry, ct_slices, phantom_voxels, save
from tests.series_verdicts import assert_refused
from tests.shared_data import shared

MOST_SECONDS_PER_FILE = 1.5e-3
MOST_BYTES_PER_FILE = 4000


def test_slices_of_a_series_share_their_facts(tmp_path: Path) -> None:
    reader = HeaderReader()
    planes: list[Slice] = [plane for path in save(ct_slices(), tmp_path) for plane in read_header(path, reader)]
    assert len({id(plane.facts) for plane in planes}) == 1
    assert planes[3].position == tuple(Geometry().position(3))
    assert (planes[3].slope, planes[3].intercept) == (1.0, -1024.0)
    assert not hasattr(planes[0], "__dict__")


@pytest.mark.parametrize("value", [b"1e-40 ", b"0.0 "])
def test_refuse_slopes_that_make_every_value_0(tmp_path: Path, value: bytes) -> None:
    path = save(ct_slices(slope=1.5)[:1], tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b"DS\x04\x001.5 ", b"DS" + len(value).to_bytes(2, "little") + value))
    assert find_series(path).series[0].codes == ("E_HEADER_VALUE",)


def best_seconds_per_file(folder: Path) -> float:
    """Time the quick look, best of five."""
    times = []
    for _ in range(5):
        start = time.process_time()
        found = find_series(folder, headers_only=True)
        times.append((time.process_time() - start) / sum(s.file_count for s in found.series))
    return min(times)


def test_the_quick_look_takes_under_a_millisecond_and_a_half_a_file(tmp_path: Path) -> None:
    save(ct_slices(phantom_voxels((4, 4, 200))), tmp_path)
    assert best_seconds_per_file(tmp_path) < MOST_SECONDS_PER_FILE


@pytest.mark.shared
def test_the_quick_look_at_long_real_headers_is_as_fast() -> None:
    assert best_seconds_per_file(shared("data/dicom/mr_sagittal_192")) < MOST_SECONDS_PER_FILE


def test_memory_grows_by_little_for_each_file(tmp_path: Path) -> None:
    for n in range(10):
        save(ct_slices(phantom_voxels((4, 4, 30))), tmp_path / str(n))
    find_series(tmp_path / "0", headers_only=True)
    tracemalloc.start()
    inventory = find_series(tmp_path, headers_only=True)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(inventory.series) == 10
    assert kept / 300 < MOST_BYTES_PER_FILE
    assert peak / 300 < 2 * MOST_BYTES_PER_FILE


def test_refuse_pixels_that_are_no_whole_numbers(tmp_path: Path) -> None:
    ds = ct_slices()[0]
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(ds, name)
    ds.BitsAllocated = 32
    ds.FloatPixelData = np.zeros((ds.Rows, ds.Columns), np.float32).tobytes()
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "pixels must be whole numbers")


def test_refuse_the_series_wherever_its_last_slice_was_cut_short(tmp_path: Path) -> None:
    last = save(ct_slices(phantom_voxels((4, 3, 4))), tmp_path)[-1]
    whole = last.read_bytes()
    for length in range(140, len(whole) - 1, 3):
        last.write_bytes(whole[:length])
        found = find_series(tmp_path)
        assert [one.codes for one in found.series] == [("E_TRUNCATED",)], length
        assert found.skipped == (), length


def test_files_that_contradict_their_syntax_make_one_row(tmp_path: Path) -> None:
    for path in save(ct_slices(), tmp_path):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"))
    assert_refused(tmp_path, "E_NOT_DICOM", "in 9 of 9 files")
