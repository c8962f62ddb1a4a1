"""The header walker against pydicom, on headers that are nested, private, long or damaged."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medres.errors import IntakeError
from medres.io.elements import Encoding, split_items, walk
from medres.io.file_bytes import CHUNK, FileBytes
from tests.phantoms_dicom import ct_slices, save

WANTED = frozenset({0x00080060, 0x00280010, 0x00280030, 0x00081140, 0x00290010})
EXPLICIT, IMPLICIT, BIG = Encoding(True, "<"), Encoding(False, "<"), Encoding(True, ">")


def encode(ds: Dataset, encoding: Encoding) -> bytes:
    """Write a data set without file meta information."""
    buffer = io.BytesIO()
    pydicom.filewriter.write_dataset(_writer(buffer, encoding), ds)
    return buffer.getvalue()


def _writer(buffer: io.BytesIO, encoding: Encoding) -> pydicom.filebase.DicomBytesIO:
    writer = pydicom.filebase.DicomFileLike(buffer)
    writer.is_implicit_VR, writer.is_little_endian = not encoding.explicit, encoding.order == "<"
    return writer


def nested(defined: bool) -> Dataset:
    """Make a data set with sequences inside sequences, private elements and a long value before the pixels."""
    ds = Dataset()
    ds.Modality = "CT"
    inner, outer = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID, inner.Modality = "1.2.3", "MR"
    outer.ReferencedImageSequence = Sequence([inner, inner])
    ds.ReferencedImageSequence = Sequence([outer])
    for sequence in (ds, outer):
        sequence["ReferencedImageSequence"].is_undefined_length = not defined
    outer.is_undefined_length_sequence_item = inner.is_undefined_length_sequence_item = not defined
    ds.add_new(0x00290010, "LO", "CREATOR")
    ds.add_new(0x00291010, "OB", bytes(3 * CHUNK))
    ds.Rows, ds.PixelSpacing = 512, [0.5, 0.75]
    ds.PixelData = bytes(20)
    ds["PixelData"].VR = "OW"
    return ds


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("defined", [True, False])
def test_collect_wanted_elements_and_find_the_pixels(encoding: Encoding, defined: bool) -> None:
    content = encode(nested(defined), encoding)
    data = walk(FileBytes(-1, len(content), content), 0, encoding, WANTED)
    assert set(data.elements) == set(WANTED)
    assert data.elements[0x00080060].strip() == b"CT"
    assert int.from_bytes(data.elements[0x00280010], "big" if encoding.order == ">" else "little") == 512
    assert (data.pixel_position, data.pixel_length) == (len(content) - 20, 20)
    items = split_items(data.elements[0x00081140], encoding, frozenset({0x00081140}))
    inner = split_items(items[0][0x00081140], encoding, frozenset({0x00080060}))
    assert [item[0x00080060].strip() for item in inner] == [b"MR", b"MR"]


def test_fetch_headers_longer_than_a_chunk_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(encode(nested(False), EXPLICIT))
    with path.open("rb") as file:
        size = path.stat().st_size
        data = walk(FileBytes(file.fileno(), size, file.read(CHUNK)), 0, EXPLICIT, WANTED)
    assert data.pixel_position == size - 20


@pytest.mark.parametrize("kept", [1, 7, 20, 60, 200, -25])
def test_refuse_a_header_that_ends_early_and_keep_what_was_read(kept: int) -> None:
    content = encode(nested(False), EXPLICIT)[:kept]
    with pytest.raises(IntakeError) as fault:
        walk(FileBytes(-1, len(content), content), 0, EXPLICIT, WANTED)
    assert fault.value.code == "E_TRUNCATED"
    assert (0x00080060 in fault.value.partial.elements) is (kept not in (1, 7))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"\x08\x00\x60\x00??\x02\x00CT", EXPLICIT),
        (bytes(4000), IMPLICIT),
        (b"\xfe\xff\x00\xe0" + bytes(400), IMPLICIT),
    ],
)
def test_refuse_bytes_that_are_no_elements(content: bytes, encoding: Encoding) -> None:
    with pytest.raises(IntakeError, match="E_NOT_DICOM"):
        walk(FileBytes(-1, len(content), content), 0, encoding, WANTED)


def test_refuse_sequences_nested_without_end() -> None:
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    content = opening * 50
    with pytest.raises(IntakeError, match="nested at most"):
        walk(FileBytes(-1, len(content), content), 0, EXPLICIT, WANTED)


def test_read_unknown_sequences_as_implicit() -> None:
    item = encode(nested(True)[0x00081140].value[0], IMPLICIT)
    value = b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item + b"\xfe\xff\xdd\xe0" + bytes(4)
    content = b"\x08\x00\x40\x11UN\0\0\xff\xff\xff\xff" + value + b"\x28\x00\x10\x00US\x02\x00\x00\x02"
    data = walk(FileBytes(-1, len(content), content), 0, EXPLICIT, WANTED)
    assert data.elements[0x00280010] == b"\x00\x02"


def test_agree_with_pydicom_on_every_element(tmp_path: Path) -> None:
    path = save(ct_slices()[:1], tmp_path)[0]
    ds = pydicom.dcmread(path)
    tags = frozenset(int(e.tag) for e in ds if e.keyword != "PixelData")
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    data = walk(FileBytes(-1, len(content), content), start, EXPLICIT, tags)
    assert data.elements == {int(tag): pydicom.dcmread(path).get_item(tag).value for tag in tags}
