"""A seed -> one mutation of a known effect: the files, and what must come of them: the known volume, or a refusal."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from benchmarks.fuzz_phantoms import (
    Files,
    Scan,
    build_enhanced,
    build_nifti,
    build_scan,
    build_series,
    build_slice,
    to_bytes,
    with_sign,
)

Generator = np.random.Generator


@dataclass(frozen=True)
class Known:
    """Files and what must come of them.

    Attributes:
        name: of the mutation.
        files: by name.
        scan: the volume that must come; None where it must be refused (or be told apart into other series).
        may_refuse: a refusal is right as well.
        codes: codes one of which must stand beside it; empty for any.
    """

    name: str
    files: Files
    scan: Scan | None
    may_refuse: bool = False
    codes: tuple[str, ...] = ()


def rotation(rng: Generator) -> NDArray[np.float64]:
    """Draw a random rotation."""
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def known_position(rng: Generator) -> Known:
    """Move the whole scan."""
    moved = replace(build_scan(rng), origin=tuple(np.round(rng.uniform(-500, 500, 3), 3)))
    return Known("position", build_series(moved), moved)


def known_slice_moved(rng: Generator) -> Known:
    """Move one slice by 2 % to 90 % of the distance: a gap, or uneven."""
    scan = build_scan(rng, slices=5)
    place = [float(k) for k in range(5)]
    place[int(rng.integers(1, 4))] += float(rng.uniform(0.03, 0.9)) * (1 if rng.random() < 0.5 else -1)
    return Known("slice moved", build_series(replace(scan, positions=tuple(place))), None)


def known_slice_missing(rng: Generator) -> Known:
    """Leave one slice out of the middle."""
    files = build_series(build_scan(rng, slices=6))
    files.pop(list(files)[int(rng.integers(1, 5))])
    return Known("slice missing", files, None, codes=("E_GEOM_GAP", "E_GEOM_UNEVEN"))


def known_orientation(rng: Generator) -> Known:
    """Turn the whole scan."""
    turned = replace(build_scan(rng), rotation=rotation(rng))
    return Known("orientation", build_series(turned), turned)


def known_slice_turned(rng: Generator) -> Known:
    """Turn one slice against the others."""
    scan = build_scan(rng)
    files = build_series(scan)
    other = replace(scan, rotation=rotation(rng))
    k = int(rng.integers(0, 4))
    files[list(files)[k]] = to_bytes(build_slice(other, k))
    return Known("slice turned", files, None)


def known_spacing(rng: Generator) -> Known:
    """Draw another spacing."""
    spaced = replace(build_scan(rng), spacing=tuple(np.round(rng.uniform(0.2, 6.0, 3), 4)))
    return Known("spacing", build_series(spaced), spaced)


def known_bad_spacing(rng: Generator) -> Known:
    """Write a spacing that is none."""
    scan, value = build_scan(rng), str(rng.choice(["0", "-0.5", "NaN", "inf", "wide", ""]))
    files = build_series(scan)
    name = list(files)[int(rng.integers(0, 4))]
    files[name] = files[name].replace(b"0.7\\0.9 ", f"{value}\\0.9".encode().ljust(8))
    return Known("bad spacing", files, None, codes=("E_HEADER_VALUE", "E_NO_SPACING"))


def known_slope(rng: Generator) -> Known:
    """Draw a slope and an intercept for each slice."""
    slopes, intercepts = np.round(rng.uniform(0.2, 2.0, 4), 4), np.round(rng.uniform(-900, 100, 4), 2)
    scaled = replace(build_scan(rng), slopes=tuple(slopes), intercepts=tuple(intercepts))
    return Known("slope", build_series(scaled), scaled)


def known_bad_slope(rng: Generator) -> Known:
    """Write a slope that is none into one slice."""
    scan = replace(build_scan(rng), slopes=(1.25,) * 4)
    files = build_series(scan)
    name = list(files)[int(rng.integers(0, 4))]
    value = str(rng.choice(["0", "0.0", "NaN", "inf", "high", "1e99"]))
    files[name] = files[name].replace(b"1.25", value.ljust(4).encode())
    return Known("bad slope", files, None, codes=("E_HEADER_VALUE",))


def known_sign(rng: Generator) -> Known:
    """Declare signed pixels unsigned: values that stay in range are the same, others must be refused."""
    scan = build_scan(rng)
    if rng.random() < 0.5:
        positive = replace(scan, stored=np.abs(scan.stored))
        return Known("sign, all positive", build_series(with_sign(positive, False)), with_sign(positive, False))
    return Known("sign", build_series(with_sign(scan, False)), None, codes=("E_VALUE_RANGE",))


def known_padding(rng: Generator) -> Known:
    """Fill corners with padding: values stay as stored, W_PADDING says so."""
    scan = build_scan(rng)
    stored = scan.stored.copy()
    stored[:, :2, :2] = -2000
    padded = replace(scan, stored=stored, padding=-2000)
    return Known("padding", build_series(padded), padded, codes=("W_PADDING",))


def known_order(rng: Generator) -> Known:
    """Shuffle file names and InstanceNumbers."""
    scan = build_scan(rng)
    names, numbers = rng.permutation(99)[:4], rng.permutation(4)
    files = {}
    for k in range(4):
        dataset = build_slice(scan, k)
        dataset.InstanceNumber = int(numbers[k]) + 1
        files[f"f{names[k]}"] = to_bytes(dataset, str(rng.choice([ExplicitVRLittleEndian, ImplicitVRLittleEndian])))
    return Known("order", files, scan)


def known_frames(rng: Generator) -> Known:
    """Shuffle the frames of an enhanced object, with a slope for each."""
    slopes = tuple(np.round(rng.uniform(0.5, 2.0, 4), 3))
    scan = replace(build_scan(rng), slopes=slopes, intercepts=(-10.0,) * 4)
    return Known("frames", {"a": to_bytes(build_enhanced(scan, [int(n) for n in rng.permutation(4)]))}, scan)


def known_length(rng: Generator) -> Known:
    """Cut one file within its pixels."""
    files = build_series(build_scan(rng))
    name = list(files)[int(rng.integers(0, 4))]
    files[name] = files[name][: -int(rng.integers(2, 90))]
    return Known("length", files, None, codes=("E_TRUNCATED",))


def known_frame_length(rng: Generator) -> Known:
    """Cut an enhanced object within its pixels."""
    data = to_bytes(build_enhanced(build_scan(rng)))
    return Known("frame length", {"a": data[: -int(rng.integers(2, 300))]}, None, codes=("E_TRUNCATED", "E_SIZE_LIMIT"))


def known_duplicate(rng: Generator) -> Known:
    """Store one slice twice, with the same or with other pixels."""
    scan = build_scan(rng)
    files, k = build_series(scan), int(rng.integers(0, 4))
    twin = build_slice(scan, k)
    twin.SOPInstanceUID = twin.file_meta.MediaStorageSOPInstanceUID = "1.2.3.9.99"
    if rng.random() < 0.5:
        return Known("duplicate", {**files, "zz": to_bytes(twin)}, scan, codes=("W_DUPLICATE",))
    twin.PixelData = (scan.stored[k] + 1).tobytes()
    return Known("duplicate, other pixels", {**files, "zz": to_bytes(twin)}, None, codes=("E_GEOM_DUPLICATE",))


def known_nifti(rng: Generator) -> Known:
    """Write NIfTI in one of its forms."""
    scan = replace(build_scan(rng), rotation=rotation(rng), origin=tuple(rng.uniform(-200, 200, 3)))
    kind = nib.Nifti2Image if rng.random() < 0.3 else nib.Nifti1Image
    data = build_nifti(scan, kind, packed=bool(rng.random() < 0.3), big_endian=bool(rng.random() < 0.5))
    return Known("nifti", {"a.nii": data}, scan)


def known_nifti_slope(rng: Generator) -> Known:
    """Scale a NIfTI file; slope 0 means unscaled."""
    scan = build_scan(rng)
    slope, intercept = round(float(rng.uniform(-3, 3)), 3), round(float(rng.uniform(-99, 99)), 3)
    slope = 0.0 if rng.random() < 0.2 else slope
    data = bytearray(build_nifti(scan))
    struct.pack_into("<ff", data, 112, slope, intercept)
    if slope:
        slope32, intercept32 = float(np.float32(slope)), float(np.float32(intercept))
        scan = replace(scan, slopes=(slope32,) * 4, intercepts=(intercept32,) * 4)
    return Known("nifti slope", {"a.nii": bytes(data)}, scan)


def known_nifti_forms(rng: Generator) -> Known:
    """Move the sform of a NIfTI file and leave its qform."""
    data = bytearray(build_nifti(build_scan(rng)))
    x = struct.unpack_from("<f", data, 292)[0]
    struct.pack_into("<f", data, 292, x + float(rng.choice([-1, 1]) * rng.uniform(0.2, 50)))
    return Known("nifti forms", {"a.nii": bytes(data)}, None, codes=("E_NIFTI_FORMS",))


def known_nifti_length(rng: Generator) -> Known:
    """Cut a NIfTI file, compressed or not."""
    data = build_nifti(build_scan(rng), packed=bool(rng.random() < 0.5))
    return Known("nifti length", {"a.nii": data[: -int(rng.integers(1, 200))]}, None, codes=("E_TRUNCATED",))


def known_nifti_dims(rng: Generator) -> Known:
    """Ask for more voxels than there are, up to 32767³."""
    data = bytearray(build_nifti(build_scan(rng)))
    dims = [int(n) for n in rng.integers(9, 32767, 3)]
    struct.pack_into("<hhh", data, 42, *dims)
    return Known("nifti dims", {"a.nii": bytes(data)}, None, codes=("E_TRUNCATED", "E_SIZE_LIMIT"))


KNOWN: tuple[Callable[[Generator], Known], ...] = (
    known_position,
    known_slice_moved,
    known_slice_missing,
    known_orientation,
    known_slice_turned,
    known_spacing,
    known_bad_spacing,
    known_slope,
    known_bad_slope,
    known_sign,
    known_padding,
    known_order,
    known_frames,
    known_length,
    known_frame_length,
    known_duplicate,
    known_nifti,
    known_nifti_slope,
    known_nifti_forms,
    known_nifti_length,
    known_nifti_dims,
)


def draw_known(rng: Generator) -> Known:
    """Draw one mutation of a known effect."""
    return KNOWN[int(rng.integers(0, len(KNOWN)))](rng)


def judge(known: Known, series: Any, volumes: list[Any]) -> str:
    """Say what is wrong with what came of a known mutation; "" where it is right.

    Args:
        known: the mutation.
        series: all Series that were found.
        volumes: the Volume of each that is not refused.
    """
    if known.scan is None:
        whole = [one for one in series if one.verdict != "refused" and one.file_count == len(known.files)]
        return "accepted in silence" if whole else _judge_codes(known, series)
    if not volumes:
        return "" if known.may_refuse else f"refused: {series[0].message if series else 'nothing found'}"
    if len(volumes) > 1:
        return f"{len(volumes)} volumes instead of one"
    volume, wanted = volumes[0], known.scan.voxels()
    if volume.voxels.shape != wanted.shape or not np.allclose(volume.voxels, wanted, rtol=1e-6, atol=1e-3):
        return "voxels differ"
    if not np.allclose(volume.affine, known.scan.affine(), atol=1e-3):
        return f"affine differs by {np.abs(volume.affine - known.scan.affine()).max():g}"
    return _judge_codes(known, series)


def _judge_codes(known: Known, series: Any) -> str:
    found = {code for one in series for code in one.codes}
    if known.codes and not found & set(known.codes):
        return f"codes {sorted(found)}, one of {known.codes} must be there"
    return ""
