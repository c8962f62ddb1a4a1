"""Files one by one: read, or set aside with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.errors import IntakeError
from medres.io import find_series
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from tests.phantoms_dicom import ct_slices, save, save_ct
from tests.series_verdicts import only


def test_read_one_header_or_say_why_not(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Doe^Jane")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name, words in (("text", "the file is text"), ("picture", r"another kind \(picture\)")):
        with pytest.raises(IntakeError, match=f"E_NOT_DICOM: .*{words}"):
            read_header(tmp_path / name, HeaderReader())
    save_ct(tmp_path / "ct", lambda ds, k: setattr(ds, "RescaleSlope", 0))
    with pytest.raises(IntakeError, match="E_HEADER_VALUE"):
        read_header(tmp_path / "ct" / "x0000", HeaderReader())


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_refuse_the_series_beside_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    save(ct_slices()[:8], tmp_path)
    (tmp_path / "x0008").symlink_to("/proc/self/mem")  # reading its first byte is an input/output error
    series = only(tmp_path)
    assert (series.codes, series.file_count) == (("E_UNREADABLE",), 9)
    assert "in 1 of 9 files" in series.message


def test_skip_a_file_that_cannot_be_read_where_no_slices_lie(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    inventory = find_series(tmp_path)
    assert [s.verdict for s in inventory.series] == ["ok"]
    assert [(s.code, "cannot be read" in s.reason) for s in inventory.skipped] == [("E_UNREADABLE", True)]


@pytest.mark.parametrize("left", [b"", bytes(10), bytes(128), bytes(128) + b"DI"])
def test_refuse_the_series_beside_a_file_of_which_nothing_is_left(tmp_path: Path, left: bytes) -> None:
    save(ct_slices()[:8], tmp_path)
    (tmp_path / "x0008").write_bytes(left)  # the ninth slice, lost at the end of the stack where no gap tells
    series = only(tmp_path)
    assert (series.codes, series.file_count) == (("E_TRUNCATED",), 9)
    assert "in 1 of 9 files" in series.message


@pytest.mark.parametrize("name", ["empty", "x0008.txt", "DIRFILE"])
def test_skip_an_empty_file_that_is_not_called_like_a_slice(tmp_path: Path, name: str) -> None:
    save_ct(tmp_path)
    (tmp_path / name).touch()
    inventory = find_series(tmp_path)
    assert [s.verdict for s in inventory.series] == ["ok"]
    assert [(s.code, s.reason) for s in inventory.skipped] == [("W_SKIPPED_FILES", "an empty file")]
