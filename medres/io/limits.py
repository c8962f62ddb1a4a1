"""What a header asks for -> allowed, or refused before any memory is taken.

Knows counts and bytes; knows no file format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from medres.errors import IntakeError

MAX_VOXELS = 2**30  # one volume of 1024³; 4 GiB as float32
MAX_SIDE = 2**16  # longest side of one volume, voxels


def require_voxels(shape: Sequence[int], limit: int = MAX_VOXELS) -> int:
    """Refuse a grid that asks for more voxels than the limit, before it is allocated.

    Args:
        shape: the grid, any number of axes, each at least 1.
        limit: most voxels that are read.

    Returns:
        The number of voxels.

    Raises:
        IntakeError: `E_SIZE_LIMIT`.

    Example:
        >>> require_voxels((512, 512, 200))
        52428800
    """
    count = math.prod(int(n) for n in shape)
    if count > limit:
        size = " x ".join(str(int(n)) for n in shape)
        raise IntakeError("E_SIZE_LIMIT", f"at most {limit} voxels are read, got {size} = {count}")
    return count


@contextmanager
def named_faults() -> Iterator[None]:
    """Turn what the system refuses (a file, memory) into named faults, without a path or a name.

    Raises:
        IntakeError: `E_UNREADABLE` or `E_SIZE_LIMIT`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IntakeError("E_UNREADABLE", f"the file cannot be read ({reason})") from None
    except MemoryError:
        raise IntakeError("E_SIZE_LIMIT", "the scan must fit the memory of this machine, got none for it") from None
