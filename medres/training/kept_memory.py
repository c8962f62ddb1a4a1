"""Memory that a training step frees -> kept for the next step, not given back to the system and asked for again.

Every step allocates the same maps of many megabytes. The C library gives such blocks back at once, and the system
clears them page by page when they are asked for again: a tenth of the time of a training on a CPU. Only glibc has the
switch; elsewhere nothing changes. Knows no tensor.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
NEVER_TRIM, NEVER_MAP = (1 << 31) - 1, 1 << 30  # bytes
USUAL_TRIM, USUAL_MAP = 64 << 20, 32 << 20  # bytes: where glibc's own thresholds end up in a program with large blocks


@contextmanager
def kept_memory() -> Iterator[bool]:
    """Keep freed memory while the block runs, give it back after it.

    Yields:
        Whether this system's C library can do so.

    Source:
        mallopt(3) of the Linux manual.

    Example:
        >>> with kept_memory() as is_kept:
        ...     is_kept in (True, False)
        True
    """
    library = _find_library()
    if library is None:
        yield False
        return
    library.mallopt(MAP_THRESHOLD, NEVER_MAP)
    library.mallopt(TRIM_THRESHOLD, NEVER_TRIM)
    try:
        yield True
    finally:
        library.mallopt(MAP_THRESHOLD, USUAL_MAP)
        library.mallopt(TRIM_THRESHOLD, USUAL_TRIM)
        library.malloc_trim(0)


def _find_library() -> ctypes.CDLL | None:
    """Find the C library of this process where it is glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # a system without one for the whole process
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
