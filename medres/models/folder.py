"""Bytes by name -> a folder that is there whole or not at all.

Knows disks; knows nothing of what the bytes mean.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from medres.errors import StoreError

WEIGHTS = "weights.safetensors"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sha256(content: bytes) -> str:
    """Give the SHA-256 of bytes.

    Args:
        content: any bytes.

    Returns:
        64 hex digits.
    """
    return hashlib.sha256(content).hexdigest()


def write_folder(folder: Path, files: Mapping[str, bytes], *, marker: str) -> None:
    """Write a folder beside its place, flush it to the disk, then put it there by one rename.

    Args:
        folder: where it goes; replaced if it holds `marker`, refused if it holds anything else.
        files: content by plain name, or by folder and name, such as "members/0/weights.safetensors".
        marker: the file that tells a folder of this kind.

    Raises:
        StoreError: E_WRITE for a place that is taken or not writable, E_DISK_FULL for a full disk; the old folder
            then stands as it was.
    """
    with said_plainly():
        _check_place(folder, marker)
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
        try:
            for name, content in files.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                _write_flushed(draft / name, content)
            for place in {(draft / name).parent for name in files}:
                _flush_directory(place)
            os.chmod(draft, 0o755)
            _put_in_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn the system's refusals into one sentence without a path."""
    try:
        yield
    except OSError as fault:
        code = "E_DISK_FULL" if fault.errno in FULL else "E_WRITE"
        raise StoreError(code, f"the files cannot be written ({fault.strerror or type(fault).__name__})") from None


def _check_place(folder: Path, marker: str) -> None:
    """Refuse to write over what is no folder of this kind."""
    if folder.is_file():
        raise StoreError("E_WRITE", "a file stands where the model folder should go")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
        raise StoreError("E_WRITE", f"the folder is not empty and holds no {marker}")


def _write_flushed(path: Path, content: bytes) -> None:
    """Write one file and wait until the disk has it."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename; an old folder steps aside first and is removed last."""
    if folder.is_dir():
        aside = draft.with_name(draft.name + "-old")
        os.rename(folder, aside)
        os.rename(draft, folder)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.rename(draft, folder)
    _flush_directory(folder.parent)


def _flush_directory(folder: Path) -> None:
    """Wait until the disk has a directory's names."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
