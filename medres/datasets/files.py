"""Text or bytes -> a file that is whole or not there at all, readable by its owner only.

Knows no manifest; manifests, splits and audits are internal stores (mode 600) and are written through here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path

from medres.errors import StoreError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BLOCK = 1 << 20  # bytes read at once


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside the target, flush to disk, then rename over it: a kill leaves the old file or the new one.

    Args:
        path: file to write; its folder is made.
        content: text (as UTF-8) or bytes.

    Raises:
        StoreError: `E_DISK_FULL` or `E_WRITE`; the old file is untouched.
    """
    blob = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".medres-")
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        code = "E_DISK_FULL" if error.errno in FULL else "E_WRITE"
        raise StoreError(
            code, f"{len(blob)} bytes could not be written ({errno.errorcode.get(error.errno or 0)})"
        ) from None


def file_digest(path: Path) -> str:
    """Digest a file's bytes.

    Args:
        path: an existing file.

    Returns:
        SHA-256, 64 hex digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
