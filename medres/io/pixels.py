"""PixelData -> stored numbers of one plane, native or encapsulated; nothing is rescaled here.

Native planes are read straight into the array they are meant for. Knows bytes and bits; no geometry and no units.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError
from medres.io.dataset import inflate_dataset, open_dataset
from medres.io.decoders import NATIVE, decode_frame, require_depth
from medres.io.elements import DEFLATED, ITEM, SEQUENCE_END, UNDEFINED
from medres.io.file_bytes import CHUNK, FileBytes
from medres.io.instance import Facts, Slice, Source
from medres.io.limits import MAX_VOXELS, require_voxels

ABSURD_RATIO = 16  # a header that asks for more than this many times the bytes present is not merely cut short
PIECE_BYTES = 1 << 20
FRAGMENT_HEAD = struct.Struct("<HHL")


def plane_bytes(facts: Facts) -> int:
    """Count the bytes of one native plane."""
    samples = facts.rows * facts.columns * facts.samples
    if facts.photometric == "YBR_FULL_422":  # two neighbours share their colour (PS3.3 C.7.6.3.1.2)
        samples = samples * 2 // 3
    return samples * facts.bits_allocated // 8


def require_bytes(plane: Slice, limit: int = MAX_VOXELS) -> None:
    """Refuse a header that asks for more pixels than the limit or the file allows, before anything is allocated.

    Args:
        plane: any plane of the file.
        limit: most voxels of one file.

    Raises:
        IntakeError: `E_SIZE_LIMIT`, `E_TRUNCATED`; `E_HEADER_VALUE` where PixelData holds a frame more than the header
            says; `E_NOT_DICOM` where it contradicts the transfer syntax.
    """
    facts, source = plane.facts, plane.source
    require_voxels((facts.frames, facts.rows, facts.columns), limit)
    if (facts.syntax in NATIVE) is (plane.pixel_length < 0):
        raise IntakeError("E_NOT_DICOM", "PixelData must be encapsulated exactly where the transfer syntax says so")
    if plane.pixel_length < 0:
        return
    need = plane_bytes(facts) * facts.frames
    present = source.size - plane.pixel_position
    if facts.syntax != DEFLATED and present < min(need, plane.pixel_length):
        raise IntakeError("E_TRUNCATED", f"PixelData must hold {need} bytes, the file ends after {max(present, 0)}")
    if plane.pixel_length < need:
        code = "E_SIZE_LIMIT" if need > ABSURD_RATIO * max(plane.pixel_length, 1) else "E_TRUNCATED"
        raise IntakeError(code, f"PixelData must hold {need} bytes, as Rows, Columns and Frames say; it holds "
                                f"{plane.pixel_length}")  # fmt: skip
    if spare_bytes(plane) >= whole_frame(facts):
        raise IntakeError("E_HEADER_VALUE", f"Rows, Columns and Frames must account for PixelData: they ask for {need} "
                                            f"bytes, it holds {plane.pixel_length}")  # fmt: skip


def spare_bytes(plane: Slice) -> int:
    """Count the bytes of native PixelData that no pixel uses; 0 where only its length is made even (PS3.5 8.1.1)."""
    if plane.pixel_length < 0:
        return 0
    need = plane_bytes(plane.facts) * plane.facts.frames
    return max(0, plane.pixel_length - need - need % 2)


def whole_frame(facts: Facts) -> int:
    """Count the spare bytes from which on the header cannot be right: a frame, or colours that are not shared."""
    return plane_bytes(facts) // 2 if facts.photometric == "YBR_FULL_422" else plane_bytes(facts)


def have_same_pixels(one: Slice, other: Slice) -> bool:
    """Tell whether PixelData of two files is the same, byte by byte; never raises.

    Args:
        one: any plane of the one file.
        other: any plane of the other.
    """
    starts = [0 if p.facts.syntax == DEFLATED else p.pixel_position for p in (one, other)]
    if one.source.size - starts[0] != other.source.size - starts[1]:
        return False
    try:
        with one.source.path.open("rb") as first, other.source.path.open("rb") as second:
            first.seek(starts[0])
            second.seek(starts[1])
            while piece := first.read(PIECE_BYTES):
                if piece != second.read(len(piece)):
                    return False
    except OSError:
        return False
    return True


@contextmanager
def pointing_at(plane: Slice, alone: bool) -> Iterator[None]:
    """Point at the file by its number where what is wrong with it refuses a series of several.

    Raises:
        IntakeError: the same, with the number.
    """
    try:
        yield
    except IntakeError as fault:
        if alone:
            raise
        raise IntakeError(fault.code, f"{fault.what} (file number {plane.source.number})", fault.cure) from fault


@dataclass
class PixelFile:
    """An open file whose planes are read one after the other.

    Args:
        plane: any plane of it.

    Raises:
        IntakeError: `E_UNREADABLE`, `E_INPUT_CHANGED`.
    """

    plane: Slice

    def __post_init__(self) -> None:
        try:
            self._descriptor = os.open(self.plane.source.path, os.O_RDONLY)
        except OSError as fault:
            raise IntakeError("E_UNREADABLE", f"a file of the series cannot be opened ({fault.strerror})") from None
        self._frames: list[list[tuple[int, int]]] | None = None
        self._inflated: bytes | None = None

    def __enter__(self) -> PixelFile:
        require_unchanged(self._descriptor, self.plane.source)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                require_unchanged(self._descriptor, self.plane.source)
        finally:
            os.close(self._descriptor)

    def read_into(self, plane: Slice, target: NDArray[Any]) -> None:
        """Fill `target` with the stored bits of a native plane, or with what its decoder gives.

        Args:
            plane: which plane.
            target: (rows, columns) or (rows, columns, samples), unsigned, `bits_allocated` wide, contiguous.

        Raises:
            IntakeError: `E_TRUNCATED`, `E_NOT_DICOM`, `E_NO_DECODER`, `E_INPUT_CHANGED`.
        """
        facts = plane.facts
        if plane.pixel_length >= 0:
            self._read_native(plane, target)
            return
        stream = self._stream(plane)
        found = decode_frame(stream, facts.syntax, (facts.rows, facts.columns), facts.bits_allocated, facts.samples)
        if found.dtype.itemsize > target.dtype.itemsize:
            raise IntakeError(
                "E_NOT_DICOM", f"the stream must hold {facts.bits_allocated} bits, got {found.dtype.itemsize * 8}"
            )
        require_depth(stream, facts.syntax, found, facts.bits_stored, facts.signed)
        np.copyto(target.view(f"i{target.dtype.itemsize}") if found.dtype.kind == "i" else target, found)

    def read_element(self, tag: int) -> bytes:
        """Give the bytes of one element that stands before the pixels; empty where there is none."""
        source = FileBytes(self._descriptor, self.plane.source.size, os.pread(self._descriptor, CHUNK, 0))
        return open_dataset(source, frozenset({tag}))[0].elements.get(tag, b"")

    def _read_native(self, plane: Slice, target: NDArray[Any]) -> None:
        """Read bytes straight into the target."""
        start = plane.pixel_position + plane.frame * target.nbytes
        if plane.facts.syntax == DEFLATED:
            content = self._inflate()
            if start + target.nbytes > len(content):
                raise IntakeError("E_TRUNCATED", f"PixelData ends {start + target.nbytes - len(content)} bytes early")
            target.reshape(-1).view(np.uint8)[:] = np.frombuffer(content, np.uint8, target.nbytes, start)
            return
        if plane.facts.order == ">" and target.dtype.itemsize == 1 and self._is_of_words(plane):
            target.reshape(-1)[:] = self._bytes_of_words(plane, target.nbytes)
            return
        view = target.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view):
            count = os.preadv(self._descriptor, [view[done:]], start + done)
            if count == 0:
                raise IntakeError("E_TRUNCATED", f"PixelData ends {len(view) - done} bytes early")
            done += count
        if plane.facts.order == ">" and target.dtype.itemsize > 1:
            target.byteswap(inplace=True)

    def _is_of_words(self, plane: Slice) -> bool:
        """Tell whether bytes stand in words (OW), so that big endian order swaps neighbours (PS3.5 8.1.1, A.3)."""
        return os.pread(self._descriptor, 2, plane.pixel_position - 8) == b"OW"

    def _bytes_of_words(self, plane: Slice, count: int) -> NDArray[np.uint8]:
        """Read the bytes of one plane out of big endian words."""
        first = plane.frame * count
        low, high = first - first % 2, first + count + (first + count) % 2
        raw = os.pread(self._descriptor, high - low, plane.pixel_position + low)
        if len(raw) < high - low:
            raise IntakeError("E_TRUNCATED", f"PixelData ends {high - low - len(raw)} bytes early")
        return np.frombuffer(raw, np.uint16).byteswap().view(np.uint8)[first - low :][:count]

    def _inflate(self) -> bytes:
        """Inflate the data set once."""
        if self._inflated is None:
            size = self.plane.source.size
            source = FileBytes(self._descriptor, size, os.pread(self._descriptor, CHUNK, 0))
            self._inflated = inflate_dataset(source)
        return self._inflated

    def _stream(self, plane: Slice) -> bytes:
        """Join the fragments of one frame."""
        if self._frames is None:
            self._frames = self._index(plane)
        return b"".join(os.pread(self._descriptor, length, start) for start, length in self._frames[plane.frame])

    def _index(self, plane: Slice) -> list[list[tuple[int, int]]]:
        """Find the fragments of every frame: (position, length) each."""
        offsets, fragments = list_fragments(self._descriptor, plane)
        frames = plane.facts.frames
        if frames == 1:
            return [[(start, length) for start, length in fragments]]
        if len(fragments) == frames:
            return [[fragment] for fragment in fragments]
        if len(offsets) != frames:
            raise IntakeError("E_NOT_DICOM", f"{frames} frames stand in {len(fragments)} fragments without a table")
        first = fragments[0][0] - 8
        bounds = [first + offset for offset in offsets] + [plane.source.size]
        return [[f for f in fragments if low <= f[0] - 8 < high] for low, high in pairwise(bounds)]


def list_fragments(descriptor: int, plane: Slice) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Walk the items of encapsulated PixelData without reading their content.

    Args:
        descriptor: of the open file.
        plane: any plane of it.

    Returns:
        (offsets of the basic offset table, (position, length) of each fragment).

    Raises:
        IntakeError: `E_TRUNCATED` where the file ends first, `E_NOT_DICOM` where there are no items.

    Source:
        PS3.5 A.4.
    """
    position, size = plane.pixel_position, plane.source.size
    items: list[tuple[int, int]] = []
    while True:
        head = os.pread(descriptor, 8, position)
        if len(head) < 8:
            raise IntakeError("E_TRUNCATED", f"the compressed pixels end early, after {len(items)} fragments")
        group, element, length = FRAGMENT_HEAD.unpack(head)
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            break
        if tag != ITEM or length == UNDEFINED:
            raise IntakeError("E_NOT_DICOM", "compressed pixels must consist of items, they do not")
        position += 8
        if position + length > size:
            raise IntakeError("E_TRUNCATED", f"a fragment needs {position + length} bytes, the file holds {size}")
        items.append((position, length))
        position += length
    if len(items) < 2:
        raise IntakeError("E_TRUNCATED", "the compressed pixels hold no fragment")
    table = os.pread(descriptor, items[0][1] // 4 * 4, items[0][0])
    return struct.unpack(f"<{len(table) // 4}L", table), items[1:]


def require_unchanged(descriptor: int, source: Source) -> None:
    """Refuse a file that is not the one whose header was read.

    Raises:
        IntakeError: `E_INPUT_CHANGED`.
    """
    now = os.fstat(descriptor)
    if (now.st_size, now.st_mtime_ns) != (source.size, source.mtime_ns):
        raise IntakeError("E_INPUT_CHANGED", f"a file must stay as it is while it is read; it had {source.size} bytes "
                                             f"and has {now.st_size}")  # fmt: skip
