"""The bytes of a DICOM file -> its data set up to the pixels: preamble, file meta information, transfer syntax.

Knows how a file is laid out; no meaning of any element.
"""

from __future__ import annotations

from collections.abc import Container

from medres.errors import IntakeError
from medres.io.elements import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    LONG_VRS,
    SHORT_VRS,
    DataSet,
    Encoding,
    walk,
)
from medres.io.file_bytes import FileBytes, inflate
from medres.io.values import word

MAX_INFLATED = 1 << 28  # bytes that a deflated data set may become
PREAMBLE = 132  # bytes before the file meta information
META_TAGS = frozenset({0x00020002, 0x00020010})
SWAPPED_GROUPS = frozenset({0x0800, 0x1000, 0x1800, 0x2000, 0x2800})  # groups 8 to 28 read in the wrong byte order


def open_dataset(content: FileBytes, wanted: Container[int]) -> tuple[DataSet, str, bool, str]:
    """Walk a DICOM file up to its pixels.

    Args:
        content: the file's bytes.
        wanted: tags to keep.

    Returns:
        (data set, transfer syntax UID, whether it has a preamble, MediaStorageSOPClassUID or "").

    Raises:
        IntakeError: `E_NOT_DICOM`, `E_TRUNCATED` or `E_SIZE_LIMIT`, with `.partial` where elements were read.
    """
    has_preamble = content.buffer[128:132] == b"DICM"
    start = PREAMBLE if has_preamble else 0
    meta, start = _read_meta(content, start)
    syntax = word(meta.get(0x00020010))
    media_class = word(meta.get(0x00020002))
    if syntax == DEFLATED:
        data = inflate(content, start, MAX_INFLATED)
        content, start = FileBytes(-1, len(data), data), 0
    encoding, syntax = _encoding(content, start, syntax)
    return walk(content, start, encoding, wanted), syntax, has_preamble, media_class


def inflate_dataset(content: FileBytes) -> bytes:
    """Inflate the data set of a deflated file; positions of its Slices count from its first byte.

    Raises:
        IntakeError: `E_SIZE_LIMIT`, `E_NOT_DICOM` or `E_TRUNCATED`.
    """
    _, start = _read_meta(content, PREAMBLE if content.buffer[128:132] == b"DICM" else 0)
    return inflate(content, start, MAX_INFLATED)


def _read_meta(content: FileBytes, start: int) -> tuple[dict[int, bytes], int]:
    """Read the file meta information (group 0002, always explicit little endian) and find its end."""
    found: dict[int, bytes] = {}
    position = start
    while position + 8 <= content.size and content.fetch(position, 2) == b"\x02\x00":
        element, vr = content.fetch(position + 2, 2), content.fetch(position + 4, 2)
        if vr in LONG_VRS:
            length, head = int.from_bytes(content.fetch(position + 8, 4), "little"), 12
        elif vr in SHORT_VRS:
            length, head = int.from_bytes(content.fetch(position + 6, 2), "little"), 8
        else:
            raise IntakeError("E_NOT_DICOM", "the file meta information must be explicit little endian, it is not")
        tag = 0x00020000 | int.from_bytes(element, "little")
        if tag in META_TAGS:
            found[tag] = content.fetch(position + head, length)
        position += head + length
    return found, position


def _encoding(content: FileBytes, start: int, syntax: str) -> tuple[Encoding, str]:
    """Tell how the data set is written, and refuse one that contradicts its transfer syntax."""
    if content.size < start + 8:
        raise IntakeError("E_TRUNCATED", f"the file ends after {content.size} bytes, before its data set")
    head = content.fetch(start, 8)
    looks_explicit = head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS
    if not syntax:
        return Encoding(looks_explicit), EXPLICIT if looks_explicit else IMPLICIT
    order = ">" if syntax == BIG_ENDIAN else "<"
    group = int.from_bytes(head[:2], "big" if order == ">" else "little")
    if looks_explicit is (syntax == IMPLICIT) or group in SWAPPED_GROUPS:
        raise IntakeError("E_NOT_DICOM", "the data set is not written in the way its transfer syntax says")
    return Encoding(syntax != IMPLICIT, order), syntax
