"""Bytes -> a file that is there whole or not at all.

Knows disks; knows nothing of what the bytes mean.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medres.errors import StoreError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def said_plainly(what: str) -> Iterator[None]:
    """Turn the system's refusals into one sentence without a path.

    Args:
        what: what is being written, such as "the report".

    Raises:
        StoreError: E_DISK_FULL for a full disk or a size limit, E_WRITE for anything else.
    """
    try:
        yield
    except OSError as fault:
        raise refused(what, fault) from None


def refused(what: str, fault: OSError) -> StoreError:
    """Word one refusal of the system.

    Args:
        what: what was being written.
        fault: as raised.

    Returns:
        The error to raise.

    Example:
        >>> str(refused("the report", OSError(errno.ENOSPC, "No space left on device")))[:11]
        'E_DISK_FULL'
    """
    code = "E_DISK_FULL" if fault.errno in FULL else "E_WRITE"
    return StoreError(code, f"{what} cannot be written ({fault.strerror or type(fault).__name__})")


@contextmanager
def replacing(path: Path, what: str) -> Iterator[Path]:
    """Write a draft beside a file, flush it, and put it in the file's place by one rename.

    Args:
        path: where the file goes; an older one stands until the very end, and stays if anything fails.
        what: what is being written, for the message.

    Yields:
        Path of the draft, to be written in full; it keeps the file's own ending.

    Raises:
        StoreError: E_DISK_FULL or E_WRITE.
    """
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    with said_plainly(what):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            _flush(draft)
            os.replace(draft, path)
            _flush(path.parent)
        finally:
            draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, what: str) -> None:
    """Write one file, whole or not at all.

    Args:
        path: where it goes.
        content: all of it.
        what: what is being written, for the message.
    """
    with replacing(path, what) as draft:
        draft.write_bytes(content)


def _flush(path: Path) -> None:
    """Wait until the disk has a file, or a directory's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
