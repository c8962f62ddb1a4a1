"""Preamble, file meta information and transfer syntax of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.errors import IntakeError
from medres.io.dataset import inflate_dataset, open_dataset
from medres.io.file_bytes import FileBytes
from tests.phantoms_dicom import CT_CLASS, ct_slices, save

WANTED = frozenset({0x00080060})


def content_of(tmp_path: Path, syntax: str) -> bytes:
    """Write one slice and give its bytes."""
    return save(ct_slices(syntax=syntax)[:1], tmp_path)[0].read_bytes()


@pytest.mark.parametrize("tail", ["", ".1", ".2", ".1.99"])
def test_walk_a_file_of_any_native_syntax_up_to_its_pixels(tmp_path: Path, tail: str) -> None:
    content = content_of(tmp_path, "1.2.840.10008.1.2" + tail)
    data, syntax, has_preamble, media_class = open_dataset(FileBytes(-1, len(content), content), WANTED)
    assert (syntax, has_preamble, media_class) == ("1.2.840.10008.1.2" + tail, True, CT_CLASS)
    assert data.elements[0x00080060] == b"CT"
    end = len(inflate_dataset(FileBytes(-1, len(content), content))) if tail == ".1.99" else len(content)
    assert (data.pixel_position, data.pixel_length) == (end - 308, 308)


def test_refuse_meta_information_that_is_no_explicit_little_endian(tmp_path: Path) -> None:
    content = content_of(tmp_path, "1.2.840.10008.1.2.1").replace(b"\x02\x00\x02\x00UI", b"\x02\x00\x02\x00\0\0", 1)
    with pytest.raises(IntakeError, match="E_NOT_DICOM: the file meta information"):
        open_dataset(FileBytes(-1, len(content), content), WANTED)


def test_refuse_a_file_that_ends_after_its_meta_information(tmp_path: Path) -> None:
    content = content_of(tmp_path, "1.2.840.10008.1.2.1")
    content = content[: 144 + int.from_bytes(content[140:144], "little")]
    with pytest.raises(IntakeError, match="before its data set"):
        open_dataset(FileBytes(-1, len(content), content), WANTED)
