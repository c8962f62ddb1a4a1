"""Bytes -> a file that is there whole or not at all.

Knows files and disks; knows nothing of what is written.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from medres.errors import StoreError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ANYBODY, OWNER = 0o666, 0o600


@contextmanager
def atomic_writer(path: Path, *, mode: int = ANYBODY) -> Iterator[BinaryIO]:
    """Write a file beside its place and move it there when it is whole and on the disk.

    Args:
        path: the file; one that stands there already stays untouched until the new one is whole.
        mode: who may read and write it, from its first byte on; the system's mask is taken off.

    Yields:
        A binary stream.

    Raises:
        StoreError: `E_DISK_FULL` or `E_WRITE`; nothing is left behind then.
    """
    draft = path.with_name(f".medres-{secrets.token_hex(6)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno in FULL:
            raise StoreError("E_DISK_FULL", "the result does not fit the disk; what stood there is untouched") from None
        reason = (error.strerror or type(error).__name__).lower()
        raise StoreError("E_WRITE", f"the result cannot be written to this place ({reason})") from None
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name last over a power cut, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        return  # some network file systems cannot sync a folder
    finally:
        os.close(handle)
