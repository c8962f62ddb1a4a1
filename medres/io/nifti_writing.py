"""Voxels + affine -> a NIfTI file with that exact affine, whole or not at all.

Knows NIfTI's two forms and their limits; knows no scan. Nothing but numbers is written: no text field, no file name,
no time.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.errors import IntakeError, StoreError
from medres.io.atomic import atomic_writer
from medres.volume import Volume

COMPRESSION = 4  # three times as fast as 9, a few percent larger
LONGEST_NIFTI1_SIDE = 32767
WHOLE_TYPES = ("int16", "uint16", "int32", "uint32", "int64")  # tried in this order
QFORM_TOLERANCE = 1e-3  # of a unit direction: what a quaternion of float32 can hold at its worst
SCANNER, UNKNOWN = 1, 0  # codes of the forms


def write_volume(volume: Volume, path: Path) -> None:
    """Write a Volume as NIfTI: HU for CT, values as they were stored, voxel order unchanged.

    Args:
        volume: one grey volume. Where its sides are not known both forms are left out; where its spacing is not
            known the unit is left out.
        path: `.nii` or `.nii.gz`.

    Raises:
        IntakeError: `E_COLOUR`.
        StoreError: `E_USAGE`, `E_DISK_FULL`, `E_WRITE`.
    """
    if volume.is_colour:
        raise IntakeError("E_COLOUR", f"voxels must be grey, got {volume.voxels.shape[3]} colours a voxel")
    write_nifti(
        volume.voxels,
        volume.affine,
        path,
        has_sides=volume.frame == "patient",
        spacing_known=volume.spacing_known,
    )


def write_nifti(
    voxels: NDArray[Any], affine: NDArray[np.float64], path: Path, *, has_sides: bool = True, spacing_known: bool = True
) -> None:
    """Write an array and its affine as NIfTI.

    Args:
        voxels: (i, j, k); whole numbers are written as the smallest of int16, uint16, int32 that holds them (8 bits
            stay 8 bits), all else as float32.
        affine: (4, 4), index to RAS+ mm; written as sform, and as qform too where it is free of shear.
        path: `.nii` or `.nii.gz`.
        has_sides: False leaves both forms out.
        spacing_known: False leaves the unit out.

    Raises:
        StoreError: `E_USAGE`, `E_DISK_FULL`, `E_WRITE`.
    """
    name = path.name.lower()
    if not name.endswith((".nii", ".nii.gz")):
        raise StoreError("E_USAGE", "the name of a NIfTI file must end in .nii or .nii.gz, got another ending")
    stored = as_stored(voxels)
    header = _build_header(stored, affine, has_sides, spacing_known)
    with atomic_writer(path) as stream:
        if not name.endswith(".gz"):
            _write_to(stream, header, stored)
            return
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=COMPRESSION, mtime=0) as packed:
            _write_to(packed, header, stored)


def as_stored(voxels: NDArray[Any]) -> NDArray[Any]:
    """Choose the type that holds the voxels exactly.

    Args:
        voxels: (i, j, k).

    Returns:
        The same values as uint8, int16, uint16, int32, ... or float32.

    Example:
        >>> as_stored(np.array([[[-1000.0, 40.0]]])).dtype
        dtype('int16')
    """
    if voxels.dtype == np.bool_:
        return voxels.astype(np.uint8)
    if voxels.dtype in (np.uint8, np.int8):
        return voxels
    if voxels.dtype.kind == "f" and not _is_whole(voxels):
        return voxels.astype(np.float32, copy=False)
    low, high = (int(voxels.min()), int(voxels.max())) if voxels.size else (0, 0)
    for dtype in WHOLE_TYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return voxels.astype(dtype, copy=False)
    return voxels if voxels.dtype.kind in "iu" else voxels.astype(np.float32, copy=False)


def _is_whole(voxels: NDArray[Any]) -> bool:
    """Tell whether every value is a whole number, slice by slice."""
    return all(bool((np.isfinite(plane) & (np.rint(plane) == plane)).all()) for plane in np.moveaxis(voxels, -1, 0))


def _build_header(stored: NDArray[Any], affine: NDArray[np.float64], has_sides: bool, spacing_known: bool) -> Any:
    kind = nib.Nifti1Header if max(stored.shape) <= LONGEST_NIFTI1_SIDE else nib.Nifti2Header
    header = kind()
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(stored.shape)
    header.set_zooms(geometry.spacing_mm(affine))
    header.set_slope_inter(1.0, 0.0)
    header["vox_offset"] = header.single_vox_offset
    if spacing_known:
        header.set_xyzt_units("mm")
    header.set_qform(affine, UNKNOWN)
    if has_sides:
        header.set_sform(affine, SCANNER)
        if _is_representable(header, affine):
            header.set_qform(affine, SCANNER)
    return header


def _is_representable(header: Any, affine: NDArray[np.float64]) -> bool:
    """Tell whether the qform, which knows no shear, gives the same directions."""
    difference = geometry.cosines(header.get_qform()) - geometry.cosines(affine)
    return bool(np.abs(difference).max() < QFORM_TOLERANCE)


def _write_to(stream: Any, header: Any, stored: NDArray[Any]) -> None:
    """Write header, four zero bytes (no extension) and voxels with i fastest, slice by slice."""
    stream.write(header.binaryblock)
    stream.write(bytes(header.single_vox_offset - len(header.binaryblock)))
    little = stored.astype(stored.dtype.newbyteorder("<"), copy=False)
    for k in range(stored.shape[2]):
        stream.write(np.ascontiguousarray(little[:, :, k].T).data)  # (j, i)
