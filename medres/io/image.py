"""A PNG, JPEG or TIFF picture -> Series and Volume of one plane.

Knows pictures; knows no patient: coordinates are the detector's, the spacing is not known, no side is ever shown.
Colour stays colour, 16 bits stay 16 bits, and orientation in EXIF is applied.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError, describe
from medres.io.digest import content_digest
from medres.io.image_decoding import PictureHeader, decode_picture, looks_like_picture, read_picture_header
from medres.io.series import Series
from medres.volume import Origin, Volume

__all__ = ["inspect_image", "looks_like_picture", "read_image"]

MOST_NOT_FINITE = 0.5  # share of the picture


def read_image(path: Path, *, modality: str | None = None) -> Volume:
    """Read one picture.

    Args:
        path: PNG, JPEG or TIFF file with one picture in it.
        modality: DICOM's word, which a picture does not carry; None leaves it "".

    Returns:
        Volume with voxels (i, j, 1) for grey or (i, j, 1, 3) for colour, i along the columns to the right, j along
        the rows down, as stored (uint8, uint16, ...); transparent or non-finite pixels are marked in `padding`.

    Raises:
        IntakeError: `E_SIZE_LIMIT`, `E_TRUNCATED`, `E_UNSUPPORTED`, `E_SERIES_AMBIGUOUS`, `E_NOT_FINITE`,
            `E_NOT_FOUND`, `E_UNREADABLE`.

    Source:
        EXIF 2.32, 4.6.4 A (Orientation); PNG 1.2; TIFF 6.0.
    """
    header = read_picture_header(path)
    samples, alpha = decode_picture(path, header)  # (rows, columns) or (rows, columns, 3); (rows, columns) or None
    voxels = np.asfortranarray(_as_grid(_upright(samples, header.exif_orientation)))
    outside = None if alpha is None else _as_grid(_upright(alpha == 0, header.exif_orientation))
    outside, codes = _find_outside(voxels, outside)
    word = (modality or "").upper()
    return Volume(
        voxels=voxels,
        affine=np.eye(4),
        modality=word,
        frame="detector",
        padding=outside,
        spacing_known=False,
        codes=(*header.codes, *codes),
        origin=Origin(content_digest=content_digest(voxels, np.eye(4), word), series_key=_key(header)),
    )


def inspect_image(path: Path, *, headers_only: bool, modality: str | None = None) -> Series:
    """Judge one picture; a fault of the file becomes a verdict, never an exception.

    Args:
        path: PNG, JPEG or TIFF file.
        headers_only: do not decode it (a cut stream then goes unseen).
        modality: DICOM's word, which a picture does not carry.

    Returns:
        Series of kind "picture".
    """
    series = Series(
        key="picture",
        kind="picture",
        verdict="refused",
        codes=(),
        message="",
        modality=(modality or "").upper(),
        shape=None,
        spacing_mm=None,
        orientation="detector",
        affine=None,
        paths=(path,),
        checked="headers" if headers_only else "pixels",
    )
    try:
        header = read_picture_header(path)
        series = replace(series, key=_key(header), shape=_shape(header), affine=np.eye(4))
        codes = header.codes if headers_only else read_image(path, modality=modality).codes
    except IntakeError as error:
        return replace(series, codes=(error.code,), message=str(error))
    return replace(series, verdict="warned", codes=codes, message="; ".join(map(describe, codes)), unit="1")


def _key(header: PictureHeader) -> str:
    """Name the picture by its form, which identifies nobody; `find_series` makes keys unique in a folder."""
    form = f"{header.kind}{header.columns}{header.rows}{header.mode}"
    return f"picture-{hashlib.sha256(form.encode()).hexdigest()[:6]}"


def _shape(header: PictureHeader) -> tuple[int, int, int]:
    turned = header.exif_orientation >= 5
    return (header.rows, header.columns, 1) if turned else (header.columns, header.rows, 1)


def _upright(samples: NDArray[Any], exif_orientation: int) -> NDArray[Any]:
    """Apply EXIF's orientation (1 to 8) to (rows, columns, ...)."""
    if exif_orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if exif_orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if exif_orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def _as_grid(samples: NDArray[Any]) -> NDArray[Any]:
    """Turn (rows, columns, ...) into (i, j, 1, ...)."""
    return samples.swapaxes(0, 1)[:, :, np.newaxis]  # (i, j, 1) or (i, j, 1, 3)


def _find_outside(
    voxels: NDArray[Any], outside: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Join transparent and non-finite pixels; refuse a picture that is mostly not finite."""
    codes = []
    if outside is not None and outside.any():
        codes.append("W_ALPHA")
    else:
        outside = None
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        broken = ~np.isfinite(voxels)
        if broken.mean() > MOST_NOT_FINITE:
            what = f"at most half of {voxels.size} pixels may be NaN or infinite, got {int(broken.sum())}"
            raise IntakeError("E_NOT_FINITE", what)
        outside = broken if outside is None else broken | outside
        codes.append("W_NOT_FINITE")
    return outside, tuple(codes)
