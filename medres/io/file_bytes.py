"""An open file -> the bytes at a place, in chunks; or the bytes that a deflated data set becomes, within a cap.

Never maps a file into memory; knows no DICOM element.
"""

from __future__ import annotations

import os
import zlib

from medres.errors import IntakeError

CHUNK = 1 << 16  # bytes fetched at once while walking a header


class FileBytes:
    """The bytes of an open file (or of an inflated one), fetched in chunks; never maps the file into memory.

    A mapped file that another program cuts short kills the process; a read of it only comes back short.

    Args:
        descriptor: of an open file, or -1 when `content` holds all bytes.
        size: bytes that there are.
        content: the first bytes, or all of them.
    """

    __slots__ = ("base", "buffer", "descriptor", "size")

    def __init__(self, descriptor: int, size: int, content: bytes = b"") -> None:
        self.descriptor = descriptor
        self.size = size
        self.buffer = content
        self.base = 0

    def fetch(self, position: int, count: int) -> bytes:
        """Give `count` bytes from `position`.

        Raises:
            IntakeError: `E_TRUNCATED` where the file ends before.
        """
        if position + count > self.size:
            raise IntakeError("E_TRUNCATED", f"the file must hold {position + count} bytes, got {self.size}")
        start = position - self.base
        if start < 0 or start + count > len(self.buffer):
            self.load(position, count)
            start = position - self.base
        found = self.buffer[start : start + count]
        if len(found) < count:
            raise IntakeError("E_INPUT_CHANGED", f"the file must still hold {self.size} bytes, it became shorter")
        return found

    def load(self, position: int, count: int = 0) -> None:
        """Bring the chunk at `position` into the buffer."""
        if self.descriptor >= 0:
            self.buffer = os.pread(self.descriptor, max(CHUNK, count), position)
            self.base = position


def inflate(source: FileBytes, position: int, limit: int) -> bytes:
    """Inflate a deflated data set within a cap.

    Args:
        source: the file.
        position: where the deflated bytes begin.
        limit: most bytes that may come out.

    Returns:
        The data set's bytes.

    Raises:
        IntakeError: `E_SIZE_LIMIT` beyond the cap; `E_NOT_DICOM` where the bytes are not deflated; `E_TRUNCATED`.
    """
    packed = source.fetch(position, source.size - position)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = engine.decompress(packed, limit + 1)
    except zlib.error:
        raise IntakeError("E_NOT_DICOM", "the transfer syntax says deflated, the bytes are not") from None
    if len(content) > limit:
        raise IntakeError("E_SIZE_LIMIT", f"a deflated data set must inflate to at most {limit} bytes, got more")
    if not engine.eof:
        raise IntakeError("E_TRUNCATED", f"the deflated data set ends early, after {len(content)} bytes")
    return content
