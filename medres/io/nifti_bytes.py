"""A NIfTI path -> its header's bytes and its voxels' bytes, compressed or not, in one file or two.

Knows files and gzip; knows nothing of what the bytes mean. Compression is told by the first bytes, never by the name;
a stream is read piece by piece and never beyond what the header announced.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError
from medres.io.limits import named_faults
from medres.io.nifti_header import LONGEST_HEADER, has_nifti_magic, header_kind

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 1 << 20
TRAILING_BYTES = 1 << 20  # tolerated after the last voxel of a compressed file
MOST_INFLATION = 1040  # deflate cannot expand further
PAIR = {".hdr": ".img", ".img": ".hdr"}


@dataclass(frozen=True)
class NiftiFile:
    """Where a header and its voxels stand.

    Attributes:
        header: file with the header.
        block: the header's first bytes, decompressed.
        codes: `W_NIFTI_NAME` where a name contradicts its bytes.
    """

    header: Path
    block: bytes
    codes: tuple[str, ...]


def looks_like_nifti(path: Path) -> bool:
    """Tell a NIfTI file, or the image half of a pair, by its bytes; never raises.

    Args:
        path: a file.

    Returns:
        True for `.nii`, `.nii.gz` and `.hdr` of any name, for an Analyze `.hdr`, and for an `.img` whose header
        stands beside it.
    """
    try:
        block = _first_bytes(path)
        analyze = header_kind(block) is not None and _stem_suffix(path)[1] == ".hdr"
        return has_nifti_magic(block) or analyze or (_stem_suffix(path)[1] == ".img" and _sibling(path) is not None)
    except (OSError, IntakeError):
        return False


def nifti_files(path: Path) -> tuple[Path, ...]:
    """List the files that make one NIfTI image: itself, or header and image of a pair.

    Args:
        path: `.nii`, `.nii.gz`, or either half of a pair.

    Returns:
        One path, or (header, image).
    """
    suffix = _stem_suffix(path)[1]
    other = _sibling(path) if suffix in PAIR else None
    if other is None:
        return (path,)
    return (path, other) if suffix == ".hdr" else (other, path)


def open_nifti(path: Path) -> NiftiFile:
    """Read the header's bytes.

    Args:
        path: `.nii`, `.nii.gz`, or either half of a pair.

    Raises:
        IntakeError: `E_NOT_FOUND`, `E_UNREADABLE`, `E_TRUNCATED`.
    """
    header = nifti_files(path)[0]
    if not header.is_file():
        raise IntakeError("E_NOT_FOUND", "no file is at this place")
    with named_faults():
        block, compressed = _first_bytes(header), _is_gzip(header)
    if not block:
        raise IntakeError("E_TRUNCATED", "the file must hold a header, got 0 bytes")
    misnamed = compressed != header.name.lower().endswith(".gz")
    return NiftiFile(header, block, ("W_NIFTI_NAME",) if misnamed else ())


def image_path(source: NiftiFile, single_file: bool) -> Path:
    """Find the file that holds the voxels.

    Args:
        source: an opened NIfTI.
        single_file: what its header says.

    Raises:
        IntakeError: `E_TRUNCATED` where the image half of a pair is missing.
    """
    if single_file:
        return source.header
    image = _sibling(source.header)
    if image is None:
        what = "the header must stand beside its image file (.img), got the header alone"
        raise IntakeError("E_TRUNCATED", what, "copy both files of the pair into one folder")
    return image


def refuse_short(path: Path, end: int) -> None:
    """Compare a file's size with what its header announces, without reading voxels.

    Args:
        path: file with the voxels.
        end: bytes that the decompressed file must hold.

    Raises:
        IntakeError: `E_TRUNCATED`.
    """
    size = path.stat().st_size
    least = end if not _is_gzip(path) else (end - PIECE_BYTES) // MOST_INFLATION
    if size < least:
        raise IntakeError("E_TRUNCATED", f"the file must hold at least {least} bytes, got {size}")


def read_bytes(path: Path, start: int, count: int, end: int) -> NDArray[np.uint8]:
    """Read a run of bytes of a file, compressed or not, and check that the file goes on to its announced end.

    Args:
        path: file with the voxels.
        start: first byte wanted, counted in the decompressed file.
        count: bytes wanted.
        end: bytes that the decompressed file must hold.

    Returns:
        (count,) bytes, writable.

    Raises:
        IntakeError: `E_TRUNCATED`, `E_SIZE_LIMIT`, `E_INPUT_CHANGED`, `E_UNREADABLE`.
    """
    with named_faults(), path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        refuse_short(path, end)
        read = _read_compressed if _is_gzip(path) else _read_plain
        found = read(stream, start, count, end)
        after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise IntakeError("E_INPUT_CHANGED", f"the file had {before.st_size} bytes, then {after.st_size}")
    return found


def _stem_suffix(path: Path) -> tuple[str, str]:
    """Split a name into stem and lower-case suffix, `.gz` left out of both."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return os.path.splitext(name)[0], os.path.splitext(name)[1].lower()


def _sibling(path: Path) -> Path | None:
    """Find the other half of a pair, compressed or not, in either case of letters."""
    stem, suffix = _stem_suffix(path)
    wanted = PAIR.get(suffix, ".img")
    names = (f"{stem}{s}{gz}" for s in (wanted, wanted.upper()) for gz in ("", ".gz"))
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == GZIP_MAGIC


def _first_bytes(path: Path) -> bytes:
    """Read the header's bytes, decompressing no more than needed."""
    with path.open("rb") as stream:
        raw = stream.read(LONGEST_HEADER)
        if not raw.startswith(GZIP_MAGIC):
            return raw
        stream.seek(0)
        return _inflate_start(stream.read(PIECE_BYTES))


def _inflate_start(raw: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        return inflater.decompress(raw, LONGEST_HEADER)
    except zlib.error:
        raise IntakeError("E_TRUNCATED", f"the gzip stream is damaged within its first {len(raw)} bytes") from None


def _read_plain(stream: BinaryIO, start: int, count: int, end: int) -> NDArray[np.uint8]:
    found = np.fromfile(stream, np.uint8, count, offset=start)
    if found.size < count:
        raise IntakeError("E_INPUT_CHANGED", f"the file must hold {end} bytes, got fewer while it was read")
    return found


def _read_compressed(stream: BinaryIO, start: int, count: int, end: int) -> NDArray[np.uint8]:
    found, position = np.empty(count, np.uint8), 0
    for piece in _inflate(stream, end):
        low, high = max(position, start), min(position + len(piece), start + count)
        if high > low:
            found[low - start : high - start] = np.frombuffer(piece, np.uint8, high - low, low - position)
        position += len(piece)
        if position > end + TRAILING_BYTES:
            raise IntakeError("E_SIZE_LIMIT", f"the stream must inflate to {end} bytes, got more than {position}")
    if position < end:
        raise IntakeError("E_TRUNCATED", f"the stream must inflate to {end} bytes, got {position}")
    return found


def _inflate(stream: BinaryIO, end: int) -> Iterator[bytes]:
    """Yield decompressed pieces of one or several gzip members, checksums verified."""
    inflater, raw = zlib.decompressobj(wbits=31), stream.read(PIECE_BYTES)
    while raw:
        try:
            piece = inflater.decompress(raw, PIECE_BYTES)
        except zlib.error:
            raise IntakeError("E_TRUNCATED", f"the gzip stream of {end} bytes is damaged (checksum or code)") from None
        yield piece
        raw = inflater.unconsumed_tail or (b"" if inflater.eof else stream.read(PIECE_BYTES))
        if inflater.eof:
            raw = (inflater.unused_data or stream.read(PIECE_BYTES)).lstrip(b"\0")
            if not raw.startswith(GZIP_MAGIC):
                return
            inflater = zlib.decompressobj(wbits=31)
    raise IntakeError("E_TRUNCATED", f"the gzip stream of {end} bytes ends before its last block")
