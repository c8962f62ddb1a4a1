"""Bytes at a place of a file that is open, and deflated bytes within a cap."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from medres.errors import IntakeError
from medres.io.file_bytes import CHUNK, FileBytes, inflate


def test_fetch_from_anywhere_in_chunks(tmp_path: Path) -> None:
    path = tmp_path / "f"
    content = bytes(n % 251 for n in range(3 * CHUNK))
    path.write_bytes(content)
    with path.open("rb") as file:
        source = FileBytes(file.fileno(), len(content))
        for start, count in ((0, 4), (2 * CHUNK - 2, 9), (5, CHUNK + 7), (3 * CHUNK - 1, 1)):
            assert source.fetch(start, count) == content[start : start + count]
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            source.fetch(3 * CHUNK, 1)


def test_notice_a_file_that_became_shorter(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(100))
    with path.open("rb") as file, pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        FileBytes(file.fileno(), 200).fetch(90, 50)


def test_inflate_within_the_cap_only() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = engine.compress(bytes(1000)) + engine.flush()
    assert inflate(FileBytes(-1, len(packed), packed), 0, 1000) == bytes(1000)
    for content, limit, code in (
        (packed, 999, "E_SIZE_LIMIT"),
        (packed[:-2], 1000, "E_TRUNCATED"),
        (b"\xff" * 9, 9, "E_NOT_DICOM"),
    ):
        with pytest.raises(IntakeError, match=code):
            inflate(FileBytes(-1, len(content), content), 0, limit)
