"""Text or bytes -> a file that is whole or not there at all, readable by its owner only.

Knows no manifest; manifests, splits and audits are internal stores (mode 600) and are written through here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from medres.errors import StoreError
from medres.io.atomic import OWNER, atomic_writer

BLOCK = 1 << 20  # bytes read at once


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside the target, flush to disk, then rename over it: a kill leaves the old file or the new one.

    Args:
        path: file to write; its folder is made.
        content: text (as UTF-8) or bytes.

    Raises:
        StoreError: `E_DISK_FULL` or `E_WRITE`; the old file is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("E_WRITE", f"the folder cannot be made ({(error.strerror or '').lower()})") from None
    with atomic_writer(path, mode=OWNER) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


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
