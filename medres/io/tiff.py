"""The bytes of a TIFF -> the tags of its first picture, and grey samples of every whole or real type as stored.

Knows TIFF's directories; colour, palettes and lossy compression are Pillow's (`medres.io.image_decoding`). Pillow gives
unsigned numbers of 32 bits a sign, takes it from those of 8, and knows neither double precision nor all byte orders.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES, FORMAT = 256, 257, 258, 259, 262, 274, 277, 339
LOSSLESS = frozenset({1, 5, 8, 32773, 32946})  # none, LZW, deflate, PackBits, deflate by its old number
GREY = {0: True, 1: False}  # photometric: whether 0 is white
UNSIGNED, SIGNED, REAL = 1, 2, 3
TYPES = {
    **{(UNSIGNED, bits): f"u{bits // 8}" for bits in (8, 16, 32)},
    **{(SIGNED, bits): f"i{bits // 8}" for bits in (8, 16, 32)},
    **{(REAL, bits): "f4" for bits in (16, 32, 64)},
}
WHOLE = {1: "B", 3: "H", 4: "L", 16: "Q"}  # field types of whole numbers
MOST_FIELDS, MOST_VALUES, MOST_PAGES = 4096, 64, 4096


@dataclass(frozen=True)
class GreyTiff:
    """A grey picture as its tags describe it.

    Attributes:
        rows, columns: as stored, before its orientation.
        orientation: 1 to 8, as in EXIF.
        dtype: of its samples; every real type is read as float32.
        white_is_zero: small values are bright.
    """

    rows: int
    columns: int
    orientation: int
    dtype: str
    white_is_zero: bool


def read_tags(data: bytes) -> list[dict[int, tuple[int, ...]]]:
    """Read the whole numbers in the directory of each picture.

    Args:
        data: a TIFF or BigTIFF.

    Returns:
        One dictionary of tag to values per picture, up to the first directory that is damaged.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    found: list[dict[int, tuple[int, ...]]] = []
    seen: set[int] = set()
    try:
        (position,) = struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
        while position and position not in seen and len(found) < MOST_PAGES:
            seen.add(position)
            tags, position = _read_directory(data, position, order, big)
            found.append(tags)
    except struct.error:
        pass
    return found


def _read_directory(data: bytes, start: int, order: str, big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    """Read one directory and where the next one stands."""
    count_form, entry, offset_form = ("Q", "HHQ", "Q") if big else ("H", "HHL", "L")
    (count,) = struct.unpack_from(order + count_form, data, start)
    if count > MOST_FIELDS:
        raise struct.error
    start += struct.calcsize(order + count_form)
    head, inline = struct.calcsize(order + entry), struct.calcsize(order + offset_form)
    tags: dict[int, tuple[int, ...]] = {}
    for n in range(count):
        place = start + n * (head + inline)
        tag, kind, many = struct.unpack_from(order + entry, data, place)
        if kind not in WHOLE or not 1 <= many <= MOST_VALUES:
            continue
        form = f"{order}{many}{WHOLE[kind]}"
        value = place + head
        if struct.calcsize(form) > inline:
            (value,) = struct.unpack_from(order + offset_form, data, value)
        tags[tag] = struct.unpack_from(form, data, value)
    (after,) = struct.unpack_from(order + offset_form, data, start + count * (head + inline))
    return tags, after


def find_grey(tags: dict[int, tuple[int, ...]]) -> GreyTiff | None:
    """Tell a grey picture whose samples are read here.

    Args:
        tags: of its directory.

    Returns:
        What it is, or None for colour, palettes, odd bits and lossy compression.

    Raises:
        IntakeError: `E_UNSUPPORTED` where white is 0 and numbers have a sign: what black is, nothing says.
    """
    first = {tag: values[0] for tag, values in tags.items() if values}
    dtype = TYPES.get((first.get(FORMAT, UNSIGNED), first.get(BITS, 1)))
    plain = first.get(SAMPLES, 1) == 1 and first.get(COMPRESSION, 1) in LOSSLESS and first.get(PHOTOMETRIC) in GREY
    if not plain or dtype is None or not (first.get(WIDTH) and first.get(HEIGHT)):
        return None
    white_is_zero = GREY[first[PHOTOMETRIC]]
    if white_is_zero and dtype[0] != "u":
        raise IntakeError(
            "E_UNSUPPORTED", "a TIFF whose white is 0 must hold unsigned numbers, got others", "save it with black as 0"
        )
    turned = first.get(ORIENTATION, 1)
    return GreyTiff(first[HEIGHT], first[WIDTH], turned if 1 <= turned <= 8 else 1, dtype, white_is_zero)


def decode_grey(data: bytes, grey: GreyTiff) -> NDArray[Any]:
    """Decode the first picture of a TIFF.

    Args:
        data: the whole file.
        grey: what its tags say.

    Returns:
        (rows, columns) as stored, black as 0.
    """
    samples = np.asarray(imagecodecs.tiff_decode(data)).reshape(grey.rows, grey.columns)
    samples = samples.astype(grey.dtype, copy=False)
    return np.iinfo(samples.dtype).max - samples if grey.white_is_zero else samples


def describe(tags: dict[int, tuple[int, ...]]) -> str:
    """Say what kind of samples a TIFF holds, for a message.

    Example:
        >>> describe({277: (2,), 258: (16, 16), 339: (1, 1)})
        '2 samples of 16 bits (sample format 1)'
    """
    samples, bits, kind = tags.get(SAMPLES, (1,)), tags.get(BITS, (1,)), tags.get(FORMAT, (1,))
    return f"{samples[0]} sample{'s' if samples[0] > 1 else ''} of {bits[0]} bits (sample format {kind[0]})"
