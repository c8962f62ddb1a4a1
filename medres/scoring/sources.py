"""A Series' files -> a stamp that changes when they do, their place in the folder, and the memory they will need.

Knows files and headers; reads no pixel.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path

import psutil

from medres.errors import IntakeError
from medres.io.series import Series

BYTES_PER_VOXEL = 16  # 4 to 8 were measured while real CT and MR were read and scored; twice that, for finer grids
USABLE_SHARE = 0.8  # of the memory that is free


def base_of(folder: Path) -> Path:
    """Say what relative paths are relative to.

    Args:
        folder: a folder, or one file.

    Returns:
        The folder itself, or the file's.
    """
    return folder if folder.is_dir() else folder.parent


def place_of(series: Series, base: Path) -> str:
    """Say where a series lies, for the ledger alone.

    Args:
        series: as found.
        base: of `base_of`.

    Returns:
        Path of its first file relative to the base, with forward slashes; "" where it has none.
    """
    return series.paths[0].relative_to(base).as_posix() if series.paths else ""


def stamp(paths: Iterable[Path], base: Path) -> str:
    """Digest names, sizes and times of change of files, without reading them.

    Args:
        paths: of one series.
        base: of `base_of`.

    Returns:
        16 hex digits.

    Raises:
        IntakeError: E_INPUT_CHANGED when one has gone.
    """
    digest = hashlib.sha256()
    for path in sorted(paths):
        try:
            facts = path.stat()
        except OSError:
            raise IntakeError("E_INPUT_CHANGED", "a file of the series is no longer there") from None
        digest.update(f"{path.relative_to(base).as_posix()}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def check_memory(series: Series, workers: int, limit_bytes: float | None = None) -> None:
    """Refuse a series whose header asks for more memory than there is.

    Args:
        series: as found, by its headers.
        workers: that share the memory.
        limit_bytes: for one series; None takes a share of what is free now.

    Raises:
        IntakeError: E_SIZE_LIMIT, with the numbers.
    """
    if series.shape is None:
        return
    needed = float(math.prod(series.shape)) * BYTES_PER_VOXEL
    limit = psutil.virtual_memory().available * USABLE_SHARE / workers if limit_bytes is None else limit_bytes
    if needed > limit:
        shape = " × ".join(str(n) for n in series.shape)
        what = f"{shape} voxels need about {needed / 1e9:.1f} GB, {limit / 1e9:.1f} GB are free for one series"
        raise IntakeError("E_SIZE_LIMIT", what, "use a machine with more memory, or fewer --workers")
