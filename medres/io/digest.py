"""Decoded voxels + affine + modality -> one digest: the same scan gives the same digest, whatever file carried it.

Knows arrays; knows no file.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def content_digest(voxels: NDArray[Any], affine: NDArray[np.float64], modality: str) -> str:
    """Digest what a Volume shows.

    Args:
        voxels: (i, j, k) or (i, j, k, 3), any memory order.
        affine: (4, 4), index to mm; rounded to 1e-6 mm, so that arithmetic noise does not matter.
        modality: DICOM's word, or "".

    Returns:
        SHA-256, 64 hex digits.

    Example:
        >>> content_digest(np.zeros((2, 2, 1), np.uint8), np.eye(4), "CT")[:8]
        'acd997d2'
    """
    digest = hashlib.sha256()
    digest.update(f"{modality}|{voxels.shape}|{voxels.dtype.newbyteorder('<').str}|".encode())
    digest.update((np.round(np.asarray(affine, "<f8"), 6) + 0.0).tobytes())  # + 0.0: no negative zero
    digest.update(_in_column_order(voxels))
    return digest.hexdigest()


def _in_column_order(voxels: NDArray[Any]) -> memoryview:
    """Give the bytes with i fastest, without a copy where the array already lies so."""
    flat = np.ascontiguousarray(voxels.T)  # (k, j, i)
    if flat.dtype.byteorder == ">":
        flat = flat.astype(flat.dtype.newbyteorder("<"))
    return flat.reshape(-1).view(np.uint8).data if flat.size else memoryview(b"")
