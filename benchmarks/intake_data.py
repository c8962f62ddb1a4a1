"""A seed -> the folders that `benchmarks.intake` reads: a CT in three transfer syntaxes, 10,000 small files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLossless
from scipy.ndimage import gaussian_filter

from benchmarks.fuzz_phantoms import Scan, build_slice

SLICES, SIDE = 200, 512
SMALL_SERIES, SMALL_SLICES, SMALL_SIDE = 50, 200, 32


def make_ct(out: Path, seed: int = 0) -> dict[str, Path]:
    """Write the CT uncompressed, in JPEG 2000 and in JPEG lossless; what is there is reused."""
    folders = {name: out / f"ct_{name}" for name in ("uncompressed", "jpeg2000", "jpeg_lossless")}
    if all((folder / ".complete").exists() for folder in folders.values()):
        return folders
    scan = Scan(
        _body(np.random.default_rng(seed)), spacing=(0.7, 0.7, 1.25), slopes=(1.0,) * SLICES, intercepts=(0.0,) * SLICES
    )
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for k in range(SLICES):
        _write(folders["uncompressed"] / f"{k:04d}.dcm", scan, k, ExplicitVRLittleEndian, None)
        _write(folders["jpeg2000"] / f"{k:04d}.dcm", scan, k, JPEG2000Lossless, _jpeg2000(scan.stored[k]))
        _write(folders["jpeg_lossless"] / f"{k:04d}.dcm", scan, k, JPEGLossless, _jpeg_lossless(scan.stored[k]))
    for folder in folders.values():
        (folder / ".complete").touch()
    return folders


def make_small_files(out: Path, series: int = SMALL_SERIES, seed: int = 0) -> Path:
    """Write many small files, as an archive's export has them: one folder for each series."""
    root = out / f"export_{series * SMALL_SLICES}"
    if (root / "complete").is_file():
        return root
    rng = np.random.default_rng(seed)
    stored = rng.integers(-1000, 1000, (SMALL_SLICES, SMALL_SIDE, SMALL_SIDE)).astype(np.int16)
    scan = Scan(stored, slopes=(1.0,) * SMALL_SLICES, intercepts=(0.0,) * SMALL_SLICES)
    for number in range(series):
        folder = root / f"{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(SMALL_SLICES):
            dataset = build_slice(scan, k)
            dataset.PatientID = f"P{number}"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.3.1.{number}", f"1.2.3.2.{number}"
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.9.{number}.{k}"
            dataset.save_as(folder / f"{k:04d}", enforce_file_format=True)
    (root / "complete").write_text("")
    return root


def _body(rng: np.random.Generator) -> NDArray[np.int16]:
    """Draw a smooth body in air with the noise of a CT, so that it compresses as a real one does."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    inside = (rows / 0.75) ** 2 + (columns / 0.9) ** 2 < 1
    texture = (
        gaussian_filter(rng.normal(size=(SLICES, SIDE // 8, SIDE // 8)), (4, 2, 2)).repeat(8, 1).repeat(8, 2) * 900
    )
    noise = rng.normal(0, 12, (SLICES, SIDE, SIDE))
    return np.where(inside, np.clip(40 + texture + noise, -900, 1500), -1000 + 0.2 * noise).astype(np.int16)


def _write(path: Path, scan: Scan, k: int, syntax: UID, frame: bytes | None) -> None:
    dataset = build_slice(scan, k)
    dataset.RescaleIntercept = -1024
    values: NDArray[Any] = scan.stored[k] + 1024
    dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 0, 12, 11
    dataset.PixelData = values.astype(np.uint16).tobytes() if frame is None else encapsulate([frame])
    dataset["PixelData"].VR = "OW" if frame is None else "OB"
    dataset["PixelData"].is_undefined_length = frame is not None
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)


def _jpeg2000(plane: NDArray[np.int16]) -> bytes:
    values = (plane + 1024).astype(np.uint16)
    return bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, bitspersample=12))


def _jpeg_lossless(plane: NDArray[np.int16]) -> bytes:
    return bytes(imagecodecs.ljpeg_encode((plane + 1024).astype(np.uint16), bitspersample=12))
