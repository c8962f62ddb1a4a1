"""An NRRD file (attached, raw or gzip) -> array and affine.

Knows the NRRD format and nothing of scans. Detached data, other encodings and more than three axes are refused.
"""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres.errors import DatasetError
from medres.geometry import LPS_TO_RAS

TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1",
    "uchar": "u1", "unsigned char": "u1", "uint8": "u1", "uint8_t": "u1",
    "short": "i2", "signed short": "i2", "int16": "i2", "int16_t": "i2",
    "ushort": "u2", "unsigned short": "u2", "uint16": "u2", "uint16_t": "u2",
    "int": "i4", "signed int": "i4", "int32": "i4", "int32_t": "i4",
    "uint": "u4", "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4",
    "float": "f4", "double": "f8",
}  # fmt: skip
SPACES = {
    "left-posterior-superior": LPS_TO_RAS, "lps": LPS_TO_RAS,
    "right-anterior-superior": np.eye(4), "ras": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]), "las": np.diag([-1.0, 1.0, 1.0, 1.0]),
}  # fmt: skip
HEADER_END = re.compile(rb"\r?\n\r?\n")  # the first empty line; what looks like one may stand in the data too
LONGEST_HEADER = 1 << 16  # bytes
MOST_BYTES = 1 << 32  # of the data
ELSEWHERE = (
    "data file",
    "datafile",
    "byte skip",
    "byteskip",
    "line skip",
    "lineskip",
)  # data not right after the header
CONVERT = "convert it to NIfTI, for instance with 3D Slicer"


def read_nrrd(path: Path) -> tuple[NDArray, NDArray[np.float64]]:
    """Read an NRRD file.

    Args:
        path: `.nrrd` or `.seg.nrrd`.

    Returns:
        (voxels (i, j, k), affine (4, 4), index to RAS+ mm).

    Raises:
        DatasetError: `E_MASK` where it is no NRRD, or one that is not supported.

    Source:
        teem.sourceforge.net/nrrd/format.html
    """
    blob = path.read_bytes()
    end = HEADER_END.search(blob, 0, LONGEST_HEADER)
    if not blob.startswith(b"NRRD") or end is None:
        raise DatasetError(
            "E_MASK", "an NRRD file must start with its header and an empty line, got otherwise", CONVERT
        )
    fields = _read_fields(blob[: end.start()].decode("utf-8", "replace"))
    return _read_voxels(fields, blob[end.end() :]), _read_affine(fields)


def _read_fields(text: str) -> dict[str, str]:
    fields = {}
    for line in text.splitlines()[1:]:
        name, mark, value = line.partition(":")
        if mark and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower()] = value.strip()
    return fields


def _read_voxels(fields: dict[str, str], data: bytes) -> NDArray:
    kind, encoding = TYPES.get(fields.get("type", "").lower()), fields.get("encoding", "").lower()
    if kind is None or encoding not in ("raw", "gzip", "gz") or any(fields.get(name, "0") != "0" for name in ELSEWHERE):
        told = f"type {fields.get('type')!r} with encoding {fields.get('encoding')!r}"
        raise DatasetError("E_MASK", f"an NRRD must hold plain numbers, raw or gzip, in one file, got {told}", CONVERT)
    sizes = [int(word) for word in fields.get("sizes", "").split() if word.isdecimal()]
    if len(sizes) != 3 or min(sizes) < 1:
        raise DatasetError("E_MASK", f"an NRRD must have three axes, got sizes {sizes}", CONVERT)
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    wanted = math.prod(sizes) * np.dtype(kind).itemsize
    raw = data if encoding == "raw" else _inflate(data, wanted)
    if wanted > MOST_BYTES or len(raw) < wanted:
        raise DatasetError(
            "E_MASK", f"an NRRD of sizes {sizes} must hold {wanted} bytes, got {len(raw)}", "copy it again"
        )
    return np.frombuffer(raw, order + kind, math.prod(sizes)).reshape(sizes, order="F")  # (i, j, k)


def _inflate(data: bytes, wanted: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, min(wanted, MOST_BYTES))
    except zlib.error:
        raise DatasetError(
            "E_MASK", f"{wanted} bytes must come out of the compressed NRRD, got damage", "copy it again"
        ) from None


def _read_affine(fields: dict[str, str]) -> NDArray[np.float64]:
    to_ras = SPACES.get(fields.get("space", "").lower())
    directions = [_vector(word) for word in fields.get("space directions", "").split(") (")]
    origin = _vector(fields.get("space origin", ""))
    if to_ras is None or len(directions) != 3 or any(len(v) != 3 for v in (*directions, origin)):
        raise DatasetError(
            "E_MASK", f"an NRRD must say its space, directions and origin, got {sorted(fields)}", CONVERT
        )
    affine = np.eye(4)
    affine[:3, :3] = np.array(directions).T
    affine[:3, 3] = origin
    return np.asarray(to_ras @ affine)


def _vector(text: str) -> list[float]:
    try:
        return [float(word) for word in text.strip("() ").split(",")]
    except ValueError:
        return []
