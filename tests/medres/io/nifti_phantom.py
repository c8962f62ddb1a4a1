"""An anisotropic volume with one bright voxel at a known millimetre -> NIfTI files, sound or damaged byte by byte."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (7, 6, 5)
MARKER_IJK = (5, 1, 3)
MARKER_MM = (-21.0, 13.5, 40.0)
ROTATION = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # i runs to A, j to L
SPACING = (1.5, 0.75, 4.0)

FIELDS = {  # name -> (offset, struct code) in a NIfTI-1 header
    "sizeof_hdr": (0, "i"),
    "dim0": (40, "h"),
    "dim1": (42, "h"),
    "dim2": (44, "h"),
    "dim3": (46, "h"),
    "dim4": (48, "h"),
    "datatype": (70, "h"),
    "bitpix": (72, "h"),
    "pixdim0": (76, "f"),
    "pixdim1": (80, "f"),
    "vox_offset": (108, "f"),
    "scl_slope": (112, "f"),
    "scl_inter": (116, "f"),
    "xyzt_units": (123, "b"),
    "qform_code": (252, "h"),
    "sform_code": (254, "h"),
    "quatern_b": (256, "f"),
    "qoffset_x": (268, "f"),
    "srow_x0": (280, "f"),
    "srow_x3": (292, "f"),
}


def affine() -> np.ndarray:
    """The affine that puts the marker where MARKER_MM says."""
    matrix = np.eye(4)
    matrix[:3, :3] = ROTATION @ np.diag(SPACING)
    matrix[:3, 3] = np.array(MARKER_MM) - matrix[:3, :3] @ MARKER_IJK
    return matrix


def voxels(dtype: str = "int16") -> np.ndarray:
    """Distinct small values everywhere and 1000 (or 200) at the marker."""
    values = (np.arange(np.prod(SHAPE)) % 90).reshape(SHAPE).astype(dtype)
    values[MARKER_IJK] = 1000 if np.dtype(dtype).itemsize > 1 else 120
    return values


def write(path: Path, array: np.ndarray | None = None, kind: type = nib.Nifti1Image, big_endian: bool = False) -> Path:
    """Write the phantom with nibabel."""
    array = voxels() if array is None else array
    header = kind.header_class(endianness=">" if big_endian else "<")
    header.set_data_dtype(array.dtype)
    image = kind(array, affine(), header)
    image.set_qform(affine(), 1)
    image.set_sform(affine(), 1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def patch(path: Path, order: str = "<", **values: float) -> Path:
    """Overwrite header fields of a written file, uncompressed or not."""
    packed = path.name.endswith(".gz")
    data = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    for name, value in values.items():
        offset, code = FIELDS[name]
        struct.pack_into(order + code, data, offset, value)
    path.write_bytes(gzip.compress(bytes(data)) if packed else bytes(data))
    return path
