"""Bytes of a DICOM file -> the few elements that are asked for, and where the pixels lie.

Walks explicit and implicit VR in both byte orders and steps over everything it was not asked for, so that a header of
150 kB costs little more than one of 1 kB. Knows encodings only: no meaning of any element.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass

from medres.errors import IntakeError
from medres.io.file_bytes import FileBytes

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(),
)
MAX_DEPTH = 32  # sequences inside sequences
MAX_ELEMENTS = 200_000  # of one data set; a header of zeros would otherwise be walked for minutes
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written.

    Attributes:
        explicit: each element carries its VR.
        order: "<" or ">".
    """

    explicit: bool = True
    order: str = "<"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Raw elements by tag.

    Attributes:
        elements: tag (group << 16 | element) to the value's bytes; a sequence's bytes are its items.
        encoding: how the values are written.
        pixel_position: where the value of PixelData begins, or -1.
        pixel_length: its bytes; -1 when it is encapsulated (undefined length).
    """

    elements: dict[int, bytes]
    encoding: Encoding
    pixel_position: int = -1
    pixel_length: int = 0


def walk(source: FileBytes, position: int, encoding: Encoding, wanted: Container[int]) -> DataSet:
    """Collect the wanted elements from `position` up to PixelData or the end.

    Args:
        source: the file.
        position: of the first element, bytes.
        encoding: how elements are written.
        wanted: tags to keep.

    Returns:
        The elements, and where PixelData lies.

    Raises:
        IntakeError: `E_TRUNCATED` where an element ends after the file; `E_NOT_DICOM` where bytes are no elements. It
            carries what was read so far as `.partial` (a DataSet).
    """
    found: dict[int, bytes] = {}
    try:
        return _walk(source, position, encoding, wanted, found)
    except IntakeError as fault:
        fault.partial = DataSet(found, encoding)  # type: ignore[attr-defined]
        raise


def _walk(
    source: FileBytes, position: int, encoding: Encoding, wanted: Container[int], found: dict[int, bytes]
) -> DataSet:
    """Step from element to element."""
    head = _explicit_head if encoding.explicit else _implicit_head
    size, order = source.size, encoding.order
    for _ in range(MAX_ELEMENTS):
        if position >= size:
            return DataSet(found, encoding)
        tag, length, position = head(source, position, order)
        if tag == PIXEL_DATA:
            return DataSet(found, encoding, position, -1 if length == UNDEFINED else length)
        if length == UNDEFINED:
            end = skip_sequence(source, position, _inner_encoding(source, position, encoding))
        else:
            end = position + length
        if tag in wanted:
            found[tag] = source.fetch(position, end - position)
        elif end > size:
            raise IntakeError("E_TRUNCATED", f"an element needs {end} bytes, the file holds {size}")
        elif tag < 0x00020000 or tag >> 16 == 0xFFFE:
            raise IntakeError("E_NOT_DICOM", f"tags of a data set must lie in groups 0008 to FFFC, got {tag >> 16:04X}")
        position = end
    raise IntakeError("E_NOT_DICOM", f"a data set must hold at most {MAX_ELEMENTS} elements")


_EXPLICIT = {"<": struct.Struct("<HH2sH"), ">": struct.Struct(">HH2sH")}
_IMPLICIT = {"<": struct.Struct("<HHL"), ">": struct.Struct(">HHL")}
_LENGTH = {"<": struct.Struct("<L"), ">": struct.Struct(">L")}


def _explicit_head(source: FileBytes, position: int, order: str) -> tuple[int, int, int]:
    """Read tag, length and the position of the value, of an element that carries its VR."""
    start = position - source.base
    if start < 0 or start + 12 > len(source.buffer):
        source.load(position)
        start = position - source.base
    try:
        group, element, vr, length = _EXPLICIT[order].unpack_from(source.buffer, start)
        if vr in SHORT_VRS:
            return group << 16 | element, length, position + 8
        if vr in LONG_VRS:
            return group << 16 | element, _LENGTH[order].unpack_from(source.buffer, start + 8)[0], position + 12
    except struct.error:
        raise IntakeError("E_TRUNCATED", f"the file ends inside an element, at {source.size} bytes") from None
    if group == 0xFFFE:
        return group << 16 | element, _LENGTH[order].unpack_from(source.buffer, start + 4)[0], position + 8
    raise IntakeError("E_NOT_DICOM", "each element must carry a known VR, as the transfer syntax says; one does not")


def _implicit_head(source: FileBytes, position: int, order: str) -> tuple[int, int, int]:
    """Read tag, length and the position of the value, of an element without VR."""
    start = position - source.base
    if start < 0 or start + 8 > len(source.buffer):
        source.load(position)
        start = position - source.base
    try:
        group, element, length = _IMPLICIT[order].unpack_from(source.buffer, start)
    except struct.error:
        raise IntakeError("E_TRUNCATED", f"the file ends inside an element, at {source.size} bytes") from None
    return group << 16 | element, length, position + 8


def _inner_encoding(source: FileBytes, position: int, encoding: Encoding) -> Encoding:
    """Tell how the items of an undefined-length element are written: UN holds implicit little endian (PS3.5 6.2.2)."""
    if encoding.explicit and source.fetch(position - 8, 2) == b"UN":
        return Encoding(False, "<")
    return encoding


def skip_sequence(source: FileBytes, position: int, encoding: Encoding, depth: int = 0) -> int:
    """Find the end of a sequence of undefined length.

    Args:
        source: the file.
        position: of its first item.
        encoding: how its elements are written.
        depth: how many sequences stand around it.

    Returns:
        The position after its delimiter.

    Raises:
        IntakeError: `E_TRUNCATED` or `E_NOT_DICOM`.
    """
    if depth > MAX_DEPTH:
        raise IntakeError("E_NOT_DICOM", f"sequences must be nested at most {MAX_DEPTH} deep")
    while True:
        tag, length, position = _implicit_head(source, position, encoding.order)
        if tag == SEQUENCE_END:
            return position
        if tag != ITEM:
            raise IntakeError("E_NOT_DICOM", "a sequence must consist of items, it does not")
        position = position + length if length != UNDEFINED else _skip_item(source, position, encoding, depth)
        if position > source.size:
            raise IntakeError("E_TRUNCATED", f"an item needs {position} bytes, the file holds {source.size}")


def _skip_item(source: FileBytes, position: int, encoding: Encoding, depth: int) -> int:
    """Find the end of an item of undefined length."""
    head = _explicit_head if encoding.explicit else _implicit_head
    while True:
        tag, length, position = head(source, position, encoding.order)
        if tag == ITEM_END:
            return position
        if length == UNDEFINED:
            position = skip_sequence(source, position, _inner_encoding(source, position, encoding), depth + 1)
        else:
            position += length


def split_items(value: bytes, encoding: Encoding, wanted: Container[int]) -> list[dict[int, bytes]]:
    """Take a sequence apart.

    Args:
        value: the sequence's bytes, as `walk` gives them.
        encoding: how its elements are written.
        wanted: tags to keep of each item.

    Returns:
        One dictionary of raw elements per item.

    Raises:
        IntakeError: `E_NOT_DICOM` or `E_TRUNCATED`.
    """
    source = FileBytes(-1, len(value), value)
    items, position = [], 0
    while position + 8 <= len(value):
        tag, length, position = _implicit_head(source, position, encoding.order)
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise IntakeError("E_NOT_DICOM", "a sequence must consist of items, it does not")
        end = _skip_item(source, position, encoding, 0) if length == UNDEFINED else position + length
        inner = end - 8 if length == UNDEFINED else end
        part = source.fetch(position, inner - position)
        items.append(walk(FileBytes(-1, len(part), part), 0, encoding, wanted).elements)
        position = end
    return items
