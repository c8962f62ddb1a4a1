"""A NIfTI file -> Series (header) and Volume (voxels in the file's own order, affine to RAS+ mm).

Knows NIfTI-1 and NIfTI-2, one file or a pair, compressed or not; knows no DICOM and no network. nibabel parses headers
and forms; bytes are streamed here, because a loader that trusts the header reads uninitialised memory.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.errors import IntakeError, describe
from medres.io.digest import content_digest
from medres.io.limits import named_faults
from medres.io.nifti_bytes import (
    NiftiFile,
    image_path,
    looks_like_nifti,
    nifti_files,
    open_nifti,
    read_bytes,
    refuse_short,
)
from medres.io.nifti_header import NiftiHeader, parse_header
from medres.io.series import Series, Verdict
from medres.volume import Origin, Volume

__all__ = ["count_volumes", "inspect_nifti", "looks_like_nifti", "nifti_files", "read_nifti"]

MOST_NOT_FINITE = 0.5  # share of the volume


def read_nifti(
    path: Path,
    *,
    nifti_frame: str | None = None,
    modality: str | None = None,
    volume_index: int | None = None,
    spacing_known: bool = True,
) -> Volume:
    """Read one NIfTI volume.

    Args:
        path: `.nii`, `.nii.gz`, or either half of an `.hdr` and `.img` pair.
        nifti_frame: "sform" or "qform" where the two disagree; None refuses such a file.
        modality: DICOM's word, which NIfTI does not carry; None leaves it "".
        volume_index: which volume of a 4-D file, from 0; None where there is only one.
        spacing_known: False where the spacing in the header is not true (`W_SPACING_UNKNOWN`, no output in mm).

    Returns:
        Volume with voxels (i, j, k) in the file's order: as stored where unscaled, float32 where scaled or stored in
        double precision; voxels that are not finite are marked in `padding`.

    Raises:
        IntakeError: `E_NIFTI_HEADER`, `E_NIFTI_TYPE`, `E_NIFTI_FORMS`, `E_SERIES_AMBIGUOUS`, `E_TRUNCATED`,
            `E_SIZE_LIMIT`, `E_NOT_FINITE`, `E_INPUT_CHANGED`, `E_NOT_FOUND`, `E_UNREADABLE`.
    """
    source = open_nifti(path)
    header = parse_header(source.block, nifti_frame)
    index = _choose_volume(header, volume_index)
    with named_faults():
        voxels = _read_voxels(source, header, index)
        padding = _find_not_finite(voxels)
    codes = [*_header_codes(source, header, spacing_known), *([] if padding is None else ["W_NOT_FINITE"])]
    word = (modality or "").upper()
    return Volume(
        voxels=voxels,
        affine=header.affine,
        modality=word,
        unit=_unit(word),
        frame=header.frame,
        padding=padding,
        spacing_known=spacing_known,
        codes=tuple(codes),
        origin=Origin(
            content_digest=content_digest(voxels, header.affine, word),
            series_key=_key(header, index),
            file_count=len(nifti_files(path)),
        ),
        notes=_notes(header, nifti_frame, padding),
    )


def count_volumes(path: Path, nifti_frame: str | None = None) -> int:
    """Count the volumes of a NIfTI file; one that cannot be read counts as one, and is refused when it is read.

    Args:
        path: `.nii`, `.nii.gz`, or either half of a pair.
        nifti_frame: "sform" or "qform" where the two disagree.
    """
    try:
        return parse_header(open_nifti(path).block, nifti_frame).volume_count
    except IntakeError:
        return 1


def inspect_nifti(
    path: Path,
    *,
    headers_only: bool,
    nifti_frame: str | None = None,
    modality: str | None = None,
    volume_index: int | None = None,
) -> Series:
    """Judge one NIfTI file; a fault of the file becomes a verdict, never an exception.

    Args:
        path: `.nii`, `.nii.gz`, or either half of a pair.
        headers_only: do not read voxels (non-finite values and damaged streams then go unseen).
        nifti_frame: "sform" or "qform" where the two disagree.
        modality: DICOM's word, which NIfTI does not carry.
        volume_index: which volume of a 4-D file, from 0.

    Returns:
        Series of kind "nifti".
    """
    series = Series(
        key="nifti",
        kind="nifti",
        verdict="refused",
        codes=(),
        message="",
        modality=(modality or "").upper(),
        shape=None,
        spacing_mm=None,
        orientation="",
        affine=None,
        paths=nifti_files(path),
        checked="headers" if headers_only else "pixels",
    )
    try:
        source = open_nifti(path)
        header = parse_header(source.block, nifti_frame)
        series = _with_grid(series, header, volume_index)
        _choose_volume(header, volume_index)
        codes, notes = _check_headers(source, header), {}
        if not headers_only:
            volume = read_nifti(path, nifti_frame=nifti_frame, modality=modality, volume_index=volume_index)
            codes, notes = volume.codes, volume.notes
    except IntakeError as error:
        return replace(series, codes=(error.code,), message=str(error))
    verdict: Verdict = "warned" if codes else "ok"
    return replace(series, verdict=verdict, codes=codes, message=_say(codes, notes), unit=_unit(series.modality))


def _unit(modality: str) -> str:
    """Name the unit: the file does not carry it, CT alone has one that is agreed on."""
    return "HU" if modality == "CT" else "1"


def _with_grid(series: Series, header: NiftiHeader, index: int | None) -> Series:
    across, down, through = (float(s) for s in geometry.spacing_mm(header.affine))
    return replace(
        series,
        key=_key(header, index),
        shape=header.shape,
        spacing_mm=(across, down, through),
        orientation=header.orientation,
        affine=header.affine,
    )


def _key(header: NiftiHeader, index: int | None) -> str:
    return header.key if index is None or header.volume_count == 1 else f"{header.key}@{index}"


def _check_headers(source: NiftiFile, header: NiftiHeader) -> tuple[str, ...]:
    """Find the image and, where it is not compressed, compare its size with the header."""
    with named_faults():
        refuse_short(image_path(source, header.single_file), header.end)
    return _header_codes(source, header, spacing_known=True)


def _choose_volume(header: NiftiHeader, index: int | None) -> int:
    if header.volume_count == 1 and index in (None, 0):
        return 0
    if index is None:
        what = f"the file must hold one volume, got {header.volume_count}"
        cure = f"add @0 to @{header.volume_count - 1} to its key, such as --series {header.key}@0"
        raise IntakeError("E_SERIES_AMBIGUOUS", what, cure)
    if not 0 <= index < header.volume_count:
        raise IntakeError("E_SERIES_AMBIGUOUS", f"volume must be 0 to {header.volume_count - 1}, got {index}",
                          f"add one of @0 to @{header.volume_count - 1} to the file's key")  # fmt: skip
    return index


def _read_voxels(source: NiftiFile, header: NiftiHeader, index: int) -> NDArray[Any]:
    start = header.offset + index * header.volume_bytes
    raw = read_bytes(image_path(source, header.single_file), start, header.volume_bytes, header.end)
    stored = raw.view(header.dtype).reshape(header.shape, order="F")  # (i, j, k)
    if header.slope == 1.0 and header.intercept == 0.0 and header.dtype.itemsize * (header.dtype.kind == "f") < 8:
        return stored if header.dtype.isnative else stored.byteswap(inplace=True).view(header.dtype.newbyteorder("="))
    return _scale(stored, header.slope, header.intercept)


def _scale(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.float32]:
    """Scale slice by slice in double precision, so that memory stays near the result's."""
    scaled = np.empty(stored.shape, np.float32, order="F")
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(stored.shape[2]):
            scaled[:, :, k] = stored[:, :, k].astype(np.float64) * slope + intercept
    return scaled


def _find_not_finite(voxels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Mark voxels that are not finite; refuse a volume that is mostly so."""
    if voxels.dtype.kind != "f":
        return None
    outside = ~np.isfinite(voxels)
    count = int(outside.sum())
    if count > MOST_NOT_FINITE * voxels.size:
        raise IntakeError("E_NOT_FINITE", f"at most half of {voxels.size} voxels may be NaN or infinite, got {count}")
    return outside if count else None


def _header_codes(source: NiftiFile, header: NiftiHeader, spacing_known: bool) -> tuple[str, ...]:
    return (*header.codes, *source.codes, *(() if spacing_known else ("W_SPACING_UNKNOWN",)))


def _notes(header: NiftiHeader, chosen: str | None, padding: NDArray[np.bool_] | None) -> dict[str, float | str]:
    notes: dict[str, float | str] = {}
    if chosen is not None:
        notes["nifti_frame"] = header.forms_used
    if padding is not None:
        notes["not_finite_voxels"] = float(padding.sum())
    return notes


def _say(codes: tuple[str, ...], notes: dict[str, float | str]) -> str:
    """Put warnings into one sentence with their count."""
    said = []
    for code in codes:
        number = f" ({int(notes['not_finite_voxels'])} voxels)" if code == "W_NOT_FINITE" and notes else ""
        said.append(describe(code) + number)
    return "; ".join(said)
