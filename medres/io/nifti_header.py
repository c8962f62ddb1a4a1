"""The first 348 or 540 bytes of a NIfTI file -> shape, type, scaling and affine, or a refusal.

Knows the standard's header fields through nibabel; opens no file and reads no voxel. Names in `descrip`, `db_name`,
`aux_file`, `intent_name` and extensions are never looked at.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from medres import geometry
from medres.errors import IntakeError, SpecError
from medres.io.limits import MAX_SIDE, require_voxels

HEADER_BYTES = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
LONGEST_HEADER = 540
MAGICS = {b"n+1\0": True, b"ni1\0": False, b"n+2\0": True, b"ni2\0": False}  # True: voxels in the same file
LINE_ENDS = (b"\r\n\x1a\n", bytes(4))  # after NIfTI-2's magic: a transfer as text would change them
REAL_CODES = {2: "u1", 256: "i1", 4: "i2", 512: "u2", 8: "i4", 768: "u4", 1024: "i8", 1280: "u8", 16: "f4", 64: "f8"}
OTHER_CODES = {
    32: "complex",
    1792: "complex",
    2048: "complex",
    128: "RGB colour",
    2304: "RGBA colour",
    1536: "float128",
}
UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown counts as mm, as every reader takes it
FORM_CODES = range(6)  # 0: says nothing; 1 scanner, 2 aligned, 3 Talairach, 4 MNI, 5 another template
FORMS_OFFSET_MM = 0.1
FORMS_ANGLE_DEGREES = 0.5
SMALLEST_DETERMINANT = 1e-3  # of the unit directions: below, the axes lie almost in one plane
SMALLEST_VOXEL_MM3 = 1e-11
LARGEST_MM = 1e9


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """What a NIfTI header says, checked.

    Attributes:
        shape: (i, j, k).
        volume_count: volumes along the fourth and further axes.
        dtype: of the stored voxels, with the file's byte order.
        offset: bytes before the first voxel.
        single_file: whether voxels stand in the same file as the header.
        slope, intercept: stored value to value; (1, 0) where the file is not scaled.
        affine: (4, 4), index to RAS+ mm (for `frame == "detector"` to mm along the file's own axes).
        frame: "detector" where the file says nothing of patient space.
        forms_used: "sform", "qform" or "none".
        codes: `W_...` codes.
    """

    shape: tuple[int, int, int]
    volume_count: int
    dtype: np.dtype[Any]
    offset: int
    single_file: bool
    slope: float
    intercept: float
    affine: NDArray[np.float64]
    frame: Literal["patient", "detector"]
    forms_used: Literal["sform", "qform", "none"]
    codes: tuple[str, ...]

    @property
    def volume_bytes(self) -> int:
        """Bytes of one stored volume."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def orientation(self) -> str:
        """Such as "RAS"; "detector" where the file says nothing of patient space."""
        return "detector" if self.frame == "detector" else geometry.orientation_codes(self.affine)

    @property
    def key(self) -> str:
        """A name made from the grid, which identifies nobody: equal grids have equal names."""
        grid = f"{self.shape}{self.volume_count}{self.dtype.str}{np.round(self.affine, 4).tolist()}"
        return f"nifti-{hashlib.sha256(grid.encode()).hexdigest()[:6]}"

    @property
    def end(self) -> int:
        """Bytes from the start of the voxels' file to the end of the last volume."""
        return self.offset + self.volume_bytes * self.volume_count


def header_kind(block: bytes) -> tuple[int, str] | None:
    """Recognise a NIfTI or Analyze header by its first number.

    Args:
        block: the first bytes of the file, decompressed.

    Returns:
        (348 or 540, byte order "<" or ">"), or None when it is neither.

    Example:
        >>> header_kind(struct.pack(">i", 348) + bytes(344))
        (348, '>')
    """
    if len(block) < 4:
        return None
    for order in "<>":
        size = struct.unpack(f"{order}i", block[:4])[0]
        if size in HEADER_BYTES and len(block) >= size:
            return size, order
    return None


def has_nifti_magic(block: bytes) -> bool:
    """Tell whether these first bytes (decompressed) are a NIfTI-1 or NIfTI-2 header."""
    kind = header_kind(block)
    return kind is not None and _magic(block, kind[0]) in MAGICS


def require_frame_name(nifti_frame: str | None) -> None:
    """Refuse the name of a frame that NIfTI has not.

    Raises:
        SpecError: `E_SPEC`.
    """
    if nifti_frame not in (None, "sform", "qform"):
        raise SpecError("E_SPEC", f"nifti_frame must be sform or qform, got {nifti_frame!r}")


def parse_header(block: bytes, nifti_frame: str | None = None) -> NiftiHeader:
    """Read and check a NIfTI-1 or NIfTI-2 header.

    Args:
        block: its bytes (348 or 540, more is ignored), decompressed.
        nifti_frame: "sform" or "qform" where the two disagree; None refuses such a file.

    Returns:
        The header.

    Raises:
        IntakeError: `E_NIFTI_HEADER`, `E_NIFTI_TYPE`, `E_NIFTI_FORMS`, `E_SIZE_LIMIT`.

    Source:
        nifti1.h and nifti2.h, NIfTI Data Format Working Group.
    """
    require_frame_name(nifti_frame)
    kind = header_kind(block)
    if kind is None:
        raise IntakeError("E_NIFTI_HEADER", f"header size must be 348 or 540, got {_first_number(block)}")
    magic = _magic(block, kind[0])
    if magic not in MAGICS:
        raise _bad_magic(block, kind[0])
    fields = HEADER_BYTES[kind[0]](block[: kind[0]], kind[1], check=False)
    shape, volume_count = _read_shape(fields)
    slope, intercept, scale_codes = _read_scaling(fields)
    affine, forms_used = _read_affine(fields, shape, nifti_frame)
    frame: Literal["patient", "detector"] = "detector" if forms_used == "none" else "patient"
    return NiftiHeader(
        shape=shape,
        volume_count=volume_count,
        dtype=_read_dtype(fields, kind[1]),
        offset=_read_offset(fields, kind[0], MAGICS[magic]),
        single_file=MAGICS[magic],
        slope=slope,
        intercept=intercept,
        affine=affine,
        frame=frame,
        forms_used=forms_used,
        codes=(*scale_codes, *(("W_NIFTI_NO_SIDE",) if frame == "detector" else ())),
    )


def _first_number(block: bytes) -> str:
    return str(struct.unpack("<i", block[:4])[0]) if len(block) >= 4 else f"{len(block)} bytes"


def _magic(block: bytes, size: int) -> bytes:
    if size == 348:
        return bytes(block[344:348])
    return bytes(block[4:8]) if bytes(block[8:12]) in LINE_ENDS else b""


def _bad_magic(block: bytes, size: int) -> IntakeError:
    """Tell an Analyze 7.5 header, which has no magic, from a damaged one."""
    if size == 348 and bytes(block[344:348]) == bytes(4) and bytes(block[38:39]) == b"r":
        what = "this is an Analyze 7.5 header, which does not say where left and right are"
        return IntakeError("E_NIFTI_HEADER", what, "convert it to NIfTI with the tool that wrote it")
    return IntakeError("E_NIFTI_HEADER", "magic must be n+1, ni1, n+2 or ni2, got other bytes")


def _read_shape(fields: Any) -> tuple[tuple[int, int, int], int]:
    """Check `dim` before anything is made from it."""
    dim = [int(n) for n in fields["dim"]]
    if not 1 <= dim[0] <= 7:
        raise IntakeError("E_NIFTI_HEADER", f"dim[0] must be 1 to 7, got {dim[0]}")
    sides = dim[1 : dim[0] + 1]
    if min(sides) < 1:
        raise IntakeError("E_NIFTI_HEADER", f"dims must be positive, got {' x '.join(map(str, sides))}")
    if dim[0] < 3:
        raise IntakeError("E_NIFTI_TYPE", f"the file must hold 3 dimensions, got {dim[0]}")
    shape, volume_count = (sides[0], sides[1], sides[2]), math.prod(sides[3:])
    require_voxels(shape)
    if max(shape) > MAX_SIDE:
        raise IntakeError("E_SIZE_LIMIT", f"a side must be at most {MAX_SIDE} voxels, got {max(shape)}")
    return shape, volume_count


def _read_dtype(fields: Any, order: str) -> np.dtype[Any]:
    code, bits = int(fields["datatype"]), int(fields["bitpix"])
    if code in OTHER_CODES:
        raise IntakeError("E_NIFTI_TYPE", f"voxels must be real numbers, got {OTHER_CODES[code]} (datatype {code})")
    if code not in REAL_CODES:
        raise IntakeError("E_NIFTI_HEADER", f"datatype must be a code of the standard, got {code}")
    dtype = np.dtype(order + REAL_CODES[code])
    if bits != 8 * dtype.itemsize:
        raise IntakeError("E_NIFTI_HEADER", f"bitpix must be {8 * dtype.itemsize} for datatype {code}, got {bits}")
    return dtype


def _read_offset(fields: Any, size: int, single_file: bool) -> int:
    offset, least = float(fields["vox_offset"]), size + 4 if single_file else 0
    if not (math.isfinite(offset) and offset == int(offset) and offset >= least):
        raise IntakeError("E_NIFTI_HEADER", f"vox_offset must be a whole number of at least {least}, got {offset:g}")
    return int(offset)


def _read_scaling(fields: Any) -> tuple[float, float, tuple[str, ...]]:
    """Give slope, intercept and codes; slope 0 means unscaled, as the standard says."""
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0.0:
        return 1.0, 0.0, ()
    if not math.isfinite(slope):
        return 1.0, 0.0, ("W_NIFTI_SCALE",)
    if not math.isfinite(intercept):
        raise IntakeError("E_NIFTI_HEADER", f"scl_inter must be finite where scl_slope is {slope:g}, got {intercept}")
    return slope, intercept, ()


def _read_affine(
    fields: Any, shape: tuple[int, int, int], chosen: str | None
) -> tuple[NDArray[np.float64], Literal["sform", "qform", "none"]]:
    """Pick the form that counts, in mm; refuse two forms that disagree unless one was chosen."""
    units = int(fields["xyzt_units"])
    unit = units & 7  # the next three bits hold the unit of time
    if unit not in UNIT_MM or not 0 <= units < 64:
        raise IntakeError("E_NIFTI_HEADER", f"xyzt_units must be below 64 with a unit of space of 0 to 3, got {units}")
    has_s, has_q = (_has_form(int(fields[name]), name) for name in ("sform_code", "qform_code"))
    if has_s and (chosen == "sform" or not has_q):
        return _in_mm(fields.get_sform(), UNIT_MM[unit]), "sform"
    if has_q and (chosen == "qform" or not has_s):
        return _in_mm(_qform(fields), UNIT_MM[unit]), "qform"
    if not has_s:
        return _in_mm(np.diag([*map(float, fields["pixdim"][1:4]), 1.0]), UNIT_MM[unit]), "none"
    sform, qform = _in_mm(fields.get_sform(), UNIT_MM[unit]), _in_mm(_qform(fields), UNIT_MM[unit])
    _refuse_disagreement(sform, qform, shape)
    return sform, "sform"


def _has_form(code: int, name: str) -> bool:
    if code not in FORM_CODES:
        raise IntakeError("E_NIFTI_HEADER", f"{name} must be 0 to {FORM_CODES[-1]}, got {code}")
    return code > 0


def _qform(fields: Any) -> NDArray[np.float64]:
    """Build the qform; pixdim[0] of 0 counts as 1, as the standard says."""
    if float(fields["pixdim"][0]) == 0.0:
        fields["pixdim"][0] = 1.0
    try:
        return np.asarray(fields.get_qform(), float)
    except (HeaderDataError, ValueError) as error:
        quaternion = ", ".join(f"{float(fields[name]):g}" for name in ("quatern_b", "quatern_c", "quatern_d"))
        what = f"the qform must be a rotation with pixdim[0] 1 or -1, got quaternion ({quaternion})"
        raise IntakeError("E_NIFTI_HEADER", f"{what} and pixdim[0] {float(fields['pixdim'][0]):g}") from error


def _in_mm(affine: Any, factor: float) -> NDArray[np.float64]:
    """Scale to mm and refuse a matrix that is not finite or not invertible."""
    matrix = np.array(affine, float)
    matrix[:3] *= factor
    if not (np.abs(matrix) < LARGEST_MM).all():  # NaN too
        raise IntakeError("E_NIFTI_HEADER", f"the affine must hold numbers below {LARGEST_MM:g} mm, got others")
    spacing = geometry.spacing_mm(matrix)
    volume = abs(float(np.linalg.det(matrix[:3, :3])))
    if volume < SMALLEST_VOXEL_MM3 or volume < SMALLEST_DETERMINANT * float(np.prod(spacing)):
        sides = " x ".join(f"{s:g}" for s in spacing)
        raise IntakeError("E_NIFTI_HEADER", f"the affine must be invertible, got voxels of {sides} mm, {volume:g} mm³")
    return matrix


def _refuse_disagreement(sform: NDArray[np.float64], qform: NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    """Compare origin, extent along each axis (mm) and directions (degrees)."""
    extent = np.asarray(shape, float) - 1.0
    stretch = np.abs(geometry.spacing_mm(sform) - geometry.spacing_mm(qform)) * extent
    offset = max(float(np.linalg.norm(sform[:3, 3] - qform[:3, 3])), float(stretch.max()))
    chords = np.linalg.norm(geometry.cosines(sform) - geometry.cosines(qform), axis=0)
    angle = float(np.degrees(2.0 * np.arcsin(np.minimum(chords.max() / 2.0, 1.0))))
    if offset > FORMS_OFFSET_MM or angle > FORMS_ANGLE_DEGREES:
        limit = f"at most {FORMS_OFFSET_MM} mm and {FORMS_ANGLE_DEGREES} degrees apart"
        raise IntakeError("E_NIFTI_FORMS", f"sform and qform must be {limit}, got {offset:.2f} mm, {angle:.2f} degrees")
