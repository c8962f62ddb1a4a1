"""Synthetic DICOM with a marker at a known millimetre; every fault of the intake's table is made from it.

The volume is anisotropic and not symmetric in any axis, and the marker stands off the centre, so that any flip, shift,
transpose or scaling moves it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

CT_CLASS, MR_CLASS, PET_CLASS = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2", "4", "128"))
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
CORONAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
SHAPE = (14, 11, 9)  # (i = columns, j = rows, k = slices)
MARKER = (10, 3, 6)  # (i, j, k)
MARKER_HU = 900


@dataclass(frozen=True)
class Geometry:
    """Where a phantom lies: LPS, mm."""

    orientation: tuple[tuple[float, ...], tuple[float, ...]] = AXIAL
    origin: tuple[float, float, float] = (-31.0, 17.0, -45.0)
    row_spacing: float = 1.25
    column_spacing: float = 0.75
    slice_spacing: float = 2.5
    tilt_degrees: float = 0.0

    def position(self, k: float) -> NDArray[np.float64]:
        """Give ImagePositionPatient of slice k."""
        row, column = np.array(self.orientation, float)
        shear = np.tan(np.radians(self.tilt_degrees)) * column
        return np.array(self.origin) + k * self.slice_spacing * (np.cross(row, column) + shear)

    def point_ras(self, index: Sequence[float]) -> NDArray[np.float64]:
        """Give RAS mm of a voxel by the standard's own equation (PS3.3 C.7.6.2.1.1)."""
        row, column = np.array(self.orientation, float)
        lps = self.position(index[2]) + row * self.column_spacing * index[0] + column * self.row_spacing * index[1]
        return lps * (-1, -1, 1)


def phantom_voxels(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.int16]:
    """Make (i, j, k) HU: a ramp along each axis and one bright marker."""
    i, j, k = np.indices(shape)
    voxels = (-1000 + 7 * i + 13 * j + 29 * k).astype(np.int16)
    voxels[tuple(min(m, n - 1) for m, n in zip(MARKER, shape, strict=True))] = MARKER_HU
    return voxels


def ct_slices(
    voxels: NDArray[np.int16] | None = None,
    geometry: Geometry | None = None,
    *,
    modality: str = "CT",
    syntax: str = ExplicitVRLittleEndian,
    slope: float = 1.0,
    intercept: float = -1024.0,
) -> list[Dataset]:
    """Make the slices of one series, in order of k, each a complete data set with file meta information."""
    voxels = phantom_voxels() if voxels is None else voxels
    geometry = geometry or Geometry()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    made = []
    for k in range(voxels.shape[2]):
        stored = np.round((voxels[:, :, k].T.astype(float) - intercept) / slope)
        made.append(_slice(stored.astype(np.uint16), geometry, k, modality, syntax, (study, series, frame)))
        if modality in ("CT", "PT") or (slope, intercept) != (1.0, 0.0):
            made[-1].RescaleSlope, made[-1].RescaleIntercept = slope, intercept
    return made


def _slice(
    stored: NDArray[np.uint16], geometry: Geometry, k: int, modality: str, syntax: str, uids: tuple[str, str, str]
) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = {"CT": CT_CLASS, "MR": MR_CLASS, "PT": PET_CLASS}[modality]
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = uids
    ds.Modality = modality
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientID, ds.PatientName, ds.PatientBirthDate = "MRN-778812", "Doe^Jane", "19500101"
    ds.AccessionNumber = "ACC-99"
    ds.AcquisitionNumber, ds.InstanceNumber = 1, k + 1
    ds.ImageOrientationPatient = [c for axis in geometry.orientation for c in axis]
    ds.ImagePositionPatient = [round(float(c), 6) for c in geometry.position(k)]
    ds.PixelSpacing = [geometry.row_spacing, geometry.column_spacing]
    ds.SliceThickness = geometry.slice_spacing
    set_pixels(ds, stored)
    return with_meta(ds, syntax)


def set_pixels(ds: Dataset, stored: NDArray, bits_stored: int | None = None) -> Dataset:
    """Put stored numbers (rows, columns) or (frames, rows, columns) into a data set."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, ds.get("PhotometricInterpretation", "MONOCHROME2")
    ds.Rows, ds.Columns = stored.shape[-2:]
    ds.BitsAllocated = stored.dtype.itemsize * 8
    ds.BitsStored = bits_stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def stored_pixels(ds: Dataset) -> NDArray:
    """Take stored numbers out of a native data set."""
    kind = ("i" if ds.PixelRepresentation else "u") + str(ds.BitsAllocated // 8)
    return np.frombuffer(ds.PixelData, kind).reshape(ds.Rows, ds.Columns).copy()


def put_stream(ds: Dataset, syntax: str, stream: bytes, **options: object) -> None:
    """Make a data set carry a compressed frame."""
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([stream], **options)  # type: ignore[arg-type]
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"


def put_jpeg2000(ds: Dataset, **options: object) -> None:
    """Compress a data set's pixels without loss."""
    stream = imagecodecs.jpeg2k_encode(stored_pixels(ds), codecformat="j2k", reversible=True)
    put_stream(ds, JPEG2000Lossless, bytes(stream), **options)


def with_meta(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """Give a data set its file meta information."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", "")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "")
    return ds


def save(datasets: Sequence[Dataset], folder: Path, *, start: int = 0) -> list[Path]:
    """Write data sets as files whose names say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n, ds in enumerate(datasets, start):
        path = folder / f"x{n:04d}"
        syntax = ds.file_meta.TransferSyntaxUID
        if syntax == ExplicitVRBigEndian:
            ds = _swapped(ds)
        ds.save_as(
            path,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
            enforce_file_format=True,
        )
        paths.append(path)
    return paths


def _swapped(ds: Dataset) -> Dataset:
    """Copy with the pixels' bytes in big endian order."""
    other = copy.deepcopy(ds)
    other.PixelData = np.frombuffer(ds.PixelData, f"u{ds.BitsAllocated // 8}").byteswap().tobytes()
    other["PixelData"].VR = "OW"
    return other


def save_ct(folder: Path, change: Callable[[Dataset, int], None] | None = None, **options: object) -> list[Dataset]:
    """Write a CT series, each slice changed by `change(ds, k)`."""
    datasets = ct_slices(**options)  # type: ignore[arg-type]
    for k, ds in enumerate(datasets):
        if change is not None:
            change(ds, k)
    save(datasets, folder)
    return datasets


def renewed(datasets: Sequence[Dataset], *, series: bool = True) -> list[Dataset]:
    """Copy data sets under new identifiers."""
    copies = [copy.deepcopy(ds) for ds in datasets]
    uid = generate_uid()
    for ds in copies:
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        if series:
            ds.SeriesInstanceUID = uid
    return copies


def enhanced(
    voxels: NDArray[np.int16] | None = None,
    geometry: Geometry | None = None,
    *,
    modality: str = "CT",
    order: Sequence[int] | None = None,
    slopes: Sequence[float] | None = None,
    intercept: float = -1024.0,
) -> Dataset:
    """Make an enhanced multi-frame image, its frames in the order given, each with its own slope."""
    voxels = phantom_voxels() if voxels is None else voxels
    geometry = geometry or Geometry()
    count = voxels.shape[2]
    order = list(range(count)) if order is None else list(order)
    slopes = [1.0] * count if slopes is None else list(slopes)
    ds = ct_slices(voxels[:, :, :1], geometry, modality="CT")[0]
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
                 "RescaleSlope", "RescaleIntercept"):  # fmt: skip
        delattr(ds, name)
    ds.Modality = modality
    ds.SOPClassUID = {"CT": "1.2.840.10008.5.1.4.1.1.2.1", "MR": "1.2.840.10008.5.1.4.1.1.4.1"}[modality]
    planes = [np.round((voxels[:, :, k].T.astype(float) - intercept) / slopes[k]).astype(np.uint16) for k in order]
    set_pixels(ds, np.stack(planes))
    ds.NumberOfFrames = count
    ds.SharedFunctionalGroupsSequence = Items([_shared(geometry)])
    ds.PerFrameFunctionalGroupsSequence = Items([_per_frame(geometry, k, slopes[k], intercept) for k in order])
    return with_meta(ds)


def _item(**elements: object) -> Items:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return Items([item])


def _shared(geometry: Geometry) -> Dataset:
    group = Dataset()
    group.PlaneOrientationSequence = _item(ImageOrientationPatient=[c for a in geometry.orientation for c in a])
    group.PixelMeasuresSequence = _item(
        PixelSpacing=[geometry.row_spacing, geometry.column_spacing], SliceThickness=geometry.slice_spacing
    )
    return group


def _per_frame(geometry: Geometry, k: int, slope: float, intercept: float) -> Dataset:
    group = Dataset()
    group.FrameContentSequence = _item(StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1])
    group.PlanePositionSequence = _item(ImagePositionPatient=[round(float(c), 6) for c in geometry.position(k)])
    group.PixelValueTransformationSequence = _item(RescaleIntercept=intercept, RescaleSlope=slope, RescaleType="HU")
    return group


def radiograph(stored: NDArray, modality: str = "DX", photometric: str = "MONOCHROME2") -> Dataset:
    """Make a projection picture (rows, columns) without a place in the patient."""
    ds = ct_slices(phantom_voxels()[:, :, :1])[0]
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
                 "RescaleSlope", "RescaleIntercept"):  # fmt: skip
        delattr(ds, name)
    ds.Modality, ds.PhotometricInterpretation = modality, photometric
    ds.SOPClassUID = {
        "CR": "1.2.840.10008.5.1.4.1.1.1", "DX": "1.2.840.10008.5.1.4.1.1.1.1", "MG": "1.2.840.10008.5.1.4.1.1.1.2",
        "US": "1.2.840.10008.5.1.4.1.1.6.1", "SC": "1.2.840.10008.5.1.4.1.1.7",
    }[modality]  # fmt: skip
    return with_meta(set_pixels(ds, stored))


def marker_mm(voxels: NDArray, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the brightest voxel and give its RAS mm."""
    index = np.unravel_index(int(np.argmax(voxels)), voxels.shape)
    return affine[:3, :3] @ np.array(index[:3], float) + affine[:3, 3]
