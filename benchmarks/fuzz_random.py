"""A seed -> a scan with random damage; and what plain pydicom, nibabel or Pillow make of the same bytes."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels import pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from benchmarks.fuzz_phantoms import (
    LPS_TO_RAS,
    Files,
    build_enhanced,
    build_nifti,
    build_picture,
    build_scan,
    build_series,
    to_bytes,
    with_sign,
)

Generator = np.random.Generator
PICTURES = ("png8", "png16", "png_rgb", "png_palette", "jpeg", "tiff")
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
EXPLAINED = frozenset(  # a difference from the plain reader that a code stands for
    [
        "W_MODALITY_LUT",
        "W_OVERLAY_IN_PIXEL",
        "W_MONO1",
        "W_PALETTE",
        "W_YBR",
        "W_NIFTI_NO_SIDE",
        "W_NIFTI_SCALE",
        "W_TILT",
        "W_NOT_FINITE",
        "W_ALPHA",
        "W_DETECTOR_SPACING",
        "W_SPACING_UNKNOWN",
    ]
)
MATCHES, DIFFERS, UNREADABLE = "same", "differs", "plain reader fails"


@lru_cache(maxsize=1)
def seeds() -> dict[str, Files]:
    """Build the sound files once."""
    rng = np.random.default_rng(20260101)
    small, large = build_scan(rng, 3), build_scan(rng, 3, 32, 32)
    unsigned = with_sign(replace(large, stored=large.stored + np.int16(1000), modality="MR"), False)
    series = {
        "explicit": build_series(small, ExplicitVRLittleEndian),
        "implicit": build_series(small, ImplicitVRLittleEndian),
        "rle": build_series(small, RLELossless),
        "jpeg-ls": build_series(small, JPEGLSLossless),
        "jpeg-2000": build_series(large, JPEG2000Lossless),
        "jpeg-2000 unsigned": build_series(unsigned, JPEG2000Lossless),
        "htj2k": build_series(large, HTJ2KLossless),
        "jpeg lossless": build_series(large, JPEGLosslessSV1),
        "big endian": build_series(small, ExplicitVRBigEndian),
        "deflated": build_series(small, DeflatedExplicitVRLittleEndian),
        "enhanced": {"a": to_bytes(build_enhanced(small))},
    }
    nifti = {
        "nifti": {"a.nii": build_nifti(small)},
        "nifti big": {"a.nii": build_nifti(small, big_endian=True)},
        "nifti-2": {"a.nii": build_nifti(small, nib.Nifti2Image)},
        "nifti.gz": {"a.nii.gz": build_nifti(small, packed=True)},
    }
    return {**series, **nifti, **{kind: {"a": build_picture(rng, kind)} for kind in PICTURES}}


WEIGHTS = {"explicit": 6, "implicit": 3, "rle": 2, "jpeg-ls": 2, "jpeg-2000": 2, "enhanced": 3, "nifti": 4}


def draw_random(rng: Generator) -> tuple[str, Files]:
    """Draw a sound scan and damage one of its files."""
    kinds = list(seeds())
    weight = np.array([WEIGHTS.get(kind, 1) for kind in kinds], float)
    kind = kinds[int(rng.choice(len(kinds), p=weight / weight.sum()))]
    files = dict(seeds()[kind])
    name = list(files)[int(rng.integers(0, len(files)))]
    files[name] = damage(files[name], rng)
    return kind, files


def damage(data: bytes, rng: Generator) -> bytes:
    """Flip, overwrite, cut, insert, repeat or exchange bytes, one to three times."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(0, max(1, len(out)))), int(rng.integers(0, 8))
        size = int(rng.integers(1, 17))
        if kind <= 1 and out:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind <= 3:
            number = int(rng.choice(NUMBERS))
            width = int(rng.choice([1, 2, 4]))
            out[at : at + width] = (number & (256**width - 1)).to_bytes(width, "little")
        elif kind == 4:
            out[at : at + size] = rng.bytes(size)
        elif kind == 5:
            del out[at : at + size if rng.random() < 0.7 else len(out)]
        elif kind == 6:
            out[at:at] = out[at : at + size] if rng.random() < 0.5 else rng.bytes(size)
        else:
            other = int(rng.integers(0, max(1, len(out))))
            out[at : at + size], out[other : other + size] = out[other : other + size], out[at : at + size]
    return bytes(out)


def compare(series: Any, volume: Any) -> tuple[str, str]:
    """Hold a Volume against what the plain reader gives for the same files.

    Returns:
        (MATCHES, DIFFERS or UNREADABLE; what differs).
    """
    readers = {"dicom": _compare_dicom, "nifti": _compare_nifti, "picture": _compare_picture}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            problem = readers[series.kind](series, volume)
        except Exception as error:  # the plain reader may raise anything on damaged bytes
            return UNREADABLE, type(error).__name__
    if problem.endswith("voxels") and any(HTJ2KLossless.encode() in path.read_bytes() for path in series.paths):
        return UNREADABLE, "its decoder is another one, and a stream without a checksum is damaged"
    if problem and set(volume.codes) & EXPLAINED:
        return MATCHES, f"explained: {problem}"
    return (DIFFERS, problem) if problem else (MATCHES, "")


def _compare_dicom(series: Any, volume: Any) -> str:
    frames = [frame for path in series.paths for frame in _plain_frames(path.read_bytes())]
    row, column, spacing = frames[0][2:]
    normal = np.cross(row, column)
    frames.sort(key=lambda frame: float(frame[1] @ normal))
    voxels = np.stack([frame[0].T for frame in frames], axis=-1)
    if len(frames) > volume.shape[2] and len(series.paths) == 1:  # an object that was told apart into several volumes
        seen = [any(np.allclose(volume.voxels[..., k], f[0].T) for f in frames) for k in range(volume.shape[2])]
        return "" if all(seen) else "a frame of its own"
    if voxels.shape != volume.voxels.shape:
        return f"shape {volume.voxels.shape}, plain {voxels.shape}"
    if not np.allclose(voxels, volume.voxels, rtol=1e-5, atol=1e-2):
        return f"{int((~np.isclose(voxels, volume.voxels)).sum())} voxels"
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 3] = row * spacing[1], column * spacing[0], frames[0][1]
    last = (frames[-1][1] - frames[0][1]) / max(1, len(frames) - 1)
    affine[:3, 2] = last if len(frames) > 1 else LPS_TO_RAS[:3, :3] @ volume.affine[:3, 2]
    difference = np.abs(LPS_TO_RAS @ affine - volume.affine).max()
    return f"affine by {difference:.3g}" if not difference < 0.02 else ""


@lru_cache(maxsize=4096)
def _plain_frames(data: bytes) -> list[tuple[NDArray[Any], ...]]:
    """Read one file the plain way: (values, position, row, column, spacing) of each frame."""
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    if "PixelRepresentation" not in dataset and "PerFrameFunctionalGroupsSequence" not in dataset:
        dataset.PixelRepresentation = 0
    # the Rust decoder of run lengths panics on damaged streams with an exception that no handler should catch
    is_rle = dataset.file_meta.get("TransferSyntaxUID") == RLELossless
    pixels = pixel_array(dataset, decoding_plugin="pydicom" if is_rle else "")
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        return [_plain_frame(pixels, dataset, dataset, dataset, dataset)]
    shared, frames = dataset.SharedFunctionalGroupsSequence[0], dataset.PerFrameFunctionalGroupsSequence
    found = []
    for plane, frame in zip(pixels if pixels.ndim == 3 else pixels[None], frames, strict=False):
        values = frame.get("PixelValueTransformationSequence", [dataset])[0]
        place = frame.PlanePositionSequence[0]
        turn, measures = shared.PlaneOrientationSequence[0], shared.PixelMeasuresSequence[0]
        found.append(_plain_frame(plane, values, place, turn, measures))
    return found


def _plain_frame(plane: Any, values: Any, place: Any, turn: Any, measures: Any) -> tuple[NDArray[Any], ...]:
    slope, intercept = float(values.get("RescaleSlope", 1)), float(values.get("RescaleIntercept", 0))
    cosines = np.array([float(x) for x in turn.ImageOrientationPatient])
    position = np.array([float(x) for x in place.ImagePositionPatient])
    spacing = np.array([float(x) for x in measures.PixelSpacing])
    return plane.astype(float) * slope + intercept, position, cosines[:3], cosines[3:], spacing


def _compare_nifti(series: Any, volume: Any) -> str:
    data = series.paths[0].read_bytes()
    if data[:2] == b"\x1f\x8b":
        import gzip

        data = gzip.decompress(data)
    kind = nib.Nifti2Image if data[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") else nib.Nifti1Image
    image = kind.from_bytes(data)
    voxels = np.squeeze(np.asarray(image.dataobj)).reshape(volume.voxels.shape)
    if not np.allclose(voxels.astype(np.float32), volume.voxels.astype(np.float32), rtol=1e-5, equal_nan=True):
        return "voxels"
    unit = {"meter": 1000.0, "micron": 0.001}.get(image.header.get_xyzt_units()[0], 1.0)
    affine = np.diag([unit, unit, unit, 1.0]) @ image.affine
    difference = np.abs(affine - volume.affine).max() / max(1.0, np.abs(affine).max())
    return f"affine by {difference:.3g}" if not difference < 1e-4 else ""


def _compare_picture(series: Any, volume: Any) -> str:
    with Image.open(Path(series.paths[0])) as picture:
        turned = picture.getexif().get(0x0112, 1) != 1
        samples = np.asarray(picture)
    if turned or samples.dtype == np.bool_ or samples.dtype != volume.voxels.dtype:
        return ""
    wanted = samples.swapaxes(0, 1)[:, :, None]
    return "" if wanted.shape == volume.voxels.shape and np.array_equal(wanted, volume.voxels) else "pixels"
