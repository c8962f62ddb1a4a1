import os
from dataclasses import replace

import pytest

from medres.errors import IntakeError
from medres.io import find_series
from medres.scoring.sources import base_of, check_memory, place_of, stamp
from tests.medres.scoring.scans import write_scans


@pytest.fixture
def series(tmp_path):
    return find_series(write_scans(tmp_path / "a" / "b", 1), headers_only=True).series[0]


def test_places_are_relative_to_the_folder(series, tmp_path):
    assert place_of(series, tmp_path) == "a/b/scan00.nii.gz"
    assert base_of(series.paths[0]) == tmp_path / "a" / "b"
    assert base_of(tmp_path) == tmp_path


def test_stamp_changes_with_size_time_and_place_and_with_nothing_else(series, tmp_path):
    first = stamp(series.paths, tmp_path)
    assert stamp(series.paths, tmp_path) == first
    assert stamp(series.paths, tmp_path / "a") != first
    os.utime(series.paths[0], ns=(1, 1))
    second = stamp(series.paths, tmp_path)
    with series.paths[0].open("ab") as stream:
        stream.write(b"1")
    os.utime(series.paths[0], ns=(1, 1))
    assert len({first, second, stamp(series.paths, tmp_path)}) == 3


def test_a_file_that_has_gone_has_changed(series, tmp_path):
    series.paths[0].unlink()
    with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        stamp(series.paths, tmp_path)


def test_memory_is_estimated_from_the_header(series):
    check_memory(series, workers=1)
    with pytest.raises(IntakeError, match=r"E_SIZE_LIMIT: 32 × 32 × 24 voxels need about 0.0 GB"):
        check_memory(series, workers=1, limit_bytes=1000)
    with pytest.raises(IntakeError, match="E_SIZE_LIMIT"):
        check_memory(replace(series, shape=(100_000, 100_000, 1000)), workers=1)
    check_memory(replace(series, shape=None), workers=1, limit_bytes=1)
