"""Volume -> small grey planes that stand for it in comparisons, and one digest of what it shows.

Knows voxels; knows no file and no label. A picture gives one plane, a volume three: at 1/4, 1/2 and 3/4 of its
extent, between slices where need be, so that a volume read from the other end gives the same planes.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medres import geometry
from medres.volume import Volume

Planes = NDArray[np.uint8]
SIDE = 64  # pixels of a plane's side
SHARES = np.array([0.25, 0.5, 0.75])  # of a volume's extent along k, where its planes lie
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
CUT = (0.1, 99.9)  # percentiles brought to 0 and 255
TISSUE_HU = (-160.0, 240.0)  # for CT: air and bone are alike in everyone, soft tissue tells patients apart


def grey_voxels(volume: Volume) -> NDArray[Any]:
    """Give voxels without colour: of colour pictures whose channels are equal the first, of others their luminance.

    Args:
        volume: any.

    Returns:
        (i, j, k).
    """
    voxels = volume.voxels
    if not volume.is_colour:
        return voxels
    if (voxels[..., 0] == voxels[..., 1]).all() and (voxels[..., 0] == voxels[..., 2]).all():
        return voxels[..., 0]
    return np.asarray(voxels @ LUMINANCE)


def upright_voxels(volume: Volume) -> NDArray[Any]:
    """Give voxels without colour, of volumes whose sides are known with i, j, k along R, A, S as near as may be.

    Args:
        volume: any; a lone slice, a picture, and a volume without known sides stay as they lie.

    Returns:
        (i, j, k).
    """
    grey = grey_voxels(volume)
    if grey.shape[2] == 1 or volume.frame != "patient" or "W_NIFTI_NO_SIDE" in volume.codes:
        return grey
    order, flips = geometry.reorientation(volume.affine, "RAS")
    return grey.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]  # (i, j, k) in RAS


def shown_digest(grey: NDArray[Any]) -> str:
    """Digest what a scan shows: grey and RGB files, any number type and any compression without loss give the same.

    Args:
        grey: (i, j, k).

    Returns:
        SHA-256, 64 hex digits.

    Example:
        >>> shown_digest(np.ones((2, 2, 1), np.uint8)) == shown_digest(np.ones((2, 2, 1), np.float64))
        True
    """
    values = np.ascontiguousarray(grey.T, dtype="<f4")  # (k, j, i)
    return hashlib.sha256(f"{grey.shape}|".encode() + values.tobytes()).hexdigest()


def build_planes(grey: NDArray[Any], side: int = SIDE, *, window: tuple[float, float] | None = None) -> Planes:
    """Shrink a scan to square planes, whatever its size and sides.

    Args:
        grey: (i, j, k), in any unit; NaN counts as the lowest value.
        side: pixels of a plane's side.
        window: values shown as 0 and 255, such as `TISSUE_HU`; None takes the scan's own percentiles. 8-bit scans are
            taken as they are.

    Returns:
        (1, side, side) for k = 1, (3, side, side) otherwise; rows are j, columns i.

    Example:
        >>> build_planes(np.zeros((10, 20, 5))).shape
        (3, 64, 64)
    """
    cut = _cut(grey)  # (P, j, i)
    if cut.dtype == np.uint8:
        return np.stack([_shrink(plane, side) for plane in cut])
    values = np.nan_to_num(cut.astype(np.float32), nan=np.nanmin(cut) if np.isfinite(cut).any() else 0.0)
    low, high = window or np.percentile(values, CUT)
    scaled = (values - low) * (255.0 / max(float(high - low), 1e-6))
    return np.stack([_shrink(plane, side) for plane in np.clip(scaled, 0, 255).astype(np.uint8)])


def _cut(grey: NDArray[Any]) -> NDArray[Any]:
    """Look three planes up at equal shares of the extent, linear between the middles of slices."""
    depth = grey.shape[2]
    if depth == 1:
        return grey[:, :, 0].T[None]
    places = np.clip(SHARES * depth - 0.5, 0, depth - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, depth - 1)
    weight = (places - below).astype(np.float32)
    planes = (1 - weight) * grey[:, :, below] + weight * grey[:, :, above]  # (i, j, P)
    return np.asarray((np.round(planes).astype(np.uint8) if grey.dtype == np.uint8 else planes).T)


def _shrink(plane: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))  # averages over area when shrinking
