"""A seed -> tiny scans with known voxels and affine, as bytes: DICOM series, enhanced DICOM, NIfTI, pictures."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass, field, replace
from typing import Any

import imagecodecs
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, HTJ2KLossless, JPEGLosslessSV1

CT, ENHANCED_CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Files = dict[str, bytes]
ENCODERS = {
    HTJ2KLossless: lambda plane: imagecodecs.htj2k_encode(plane, reversible=True),
    JPEGLosslessSV1: lambda plane: imagecodecs.ljpeg_encode(plane.view("u2")),
}


@dataclass(frozen=True)
class Scan:
    """What a DICOM phantom is made of; lengths in mm, directions in LPS+.

    Attributes:
        stored: (k, rows, columns) values as stored.
        rotation: (3, 3), columns: direction of i (along a row), of j (down a column), of k.
        origin: (3,), centre of the first voxel.
        spacing: of i, j, k.
        slopes, intercepts: one for each slice.
        padding: PixelPaddingValue, or None.
        positions: along k, in units of the spacing; None for 0, 1, 2, ...
    """

    stored: NDArray[Any]
    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    origin: tuple[float, ...] = (-31.5, -12.25, 80.0)
    spacing: tuple[float, ...] = (0.9, 0.7, 2.5)
    slopes: tuple[float, ...] = (1.0,) * 6
    intercepts: tuple[float, ...] = (0.0,) * 6
    padding: int | None = None
    positions: tuple[float, ...] | None = None
    modality: str = "CT"

    def affine(self) -> NDArray[np.float64]:
        """Give index to RAS+ mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation @ np.diag(self.spacing)
        matrix[:3, 3] = self.origin
        return LPS_TO_RAS @ matrix

    def voxels(self) -> NDArray[np.float64]:
        """Give (i, j, k) after rescale."""
        scaled = [p * s + b for p, s, b in zip(self.stored.astype(float), self.slopes, self.intercepts, strict=False)]
        return np.stack(scaled).transpose(2, 1, 0)

    def position(self, k: int) -> list[float]:
        """Give ImagePositionPatient of slice k."""
        place = k if self.positions is None else self.positions[k]
        return [float(x) for x in np.asarray(self.origin) + self.rotation[:, 2] * self.spacing[2] * place]


def build_scan(rng: np.random.Generator, slices: int = 4, rows: int = 6, columns: int = 8) -> Scan:
    """Make a scan of distinct values between air and bone."""
    return Scan(rng.integers(-1000, 1500, (slices, rows, columns)).astype(np.int16))


def build_series(scan: Scan, syntax: str = ExplicitVRLittleEndian) -> Files:
    """Write a scan as one file for each slice, named in an order that says nothing."""
    return {f"{(7 * k + 3) % 11:02d}": to_bytes(build_slice(scan, k), syntax) for k in range(len(scan.stored))}


def build_slice(scan: Scan, k: int) -> FileDataset:
    """Make one slice."""
    dataset = _new_dataset(MR if scan.modality == "MR" else CT, f"1.2.3.9.{k + 1}")
    dataset.Modality = scan.modality
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = [round(x, 8) for x in scan.position(k)]
    dataset.ImageOrientationPatient = [round(float(x), 10) for x in scan.rotation[:, :2].T.ravel()]
    dataset.PixelSpacing = [scan.spacing[1], scan.spacing[0]]
    dataset.SliceThickness = scan.spacing[2]
    dataset.RescaleSlope, dataset.RescaleIntercept = scan.slopes[k], scan.intercepts[k]
    _add_pixels(dataset, scan, scan.stored[k])
    return dataset


def build_enhanced(scan: Scan, order: list[int] | None = None) -> FileDataset:
    """Make one enhanced multi-frame object, its frames in any order."""
    dataset = _new_dataset(ENHANCED_CT, "1.2.3.9.1")
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.InstanceNumber = 1
    order = list(range(len(scan.stored))) if order is None else order
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [scan.spacing[1], scan.spacing[0]], scan.spacing[2]
    orientation.ImageOrientationPatient = [round(float(x), 10) for x in scan.rotation[:, :2].T.ravel()]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame(scan, k, n) for n, k in enumerate(order)])
    dataset.NumberOfFrames = len(order)
    _add_pixels(dataset, scan, scan.stored[order])
    return dataset


def _frame(scan: Scan, k: int, number: int) -> Dataset:
    frame, place, content, values = Dataset(), Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient = [round(x, 8) for x in scan.position(k)]
    content.DimensionIndexValues = [1, number + 1]
    content.StackID, content.InStackPositionNumber = "1", k + 1
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = scan.slopes[k], scan.intercepts[k], "HU"
    frame.PlanePositionSequence, frame.FrameContentSequence = Sequence([place]), Sequence([content])
    frame.PixelValueTransformationSequence = Sequence([values])
    return frame


def _new_dataset(sop_class: str, instance: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, instance
    dataset.PatientID, dataset.PatientName = "P1", "Doe^Jane"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.FrameOfReferenceUID, dataset.SeriesNumber = "1.2.3.3", 1
    return dataset


def _add_pixels(dataset: Dataset, scan: Scan, stored: NDArray[Any]) -> None:
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    if scan.padding is not None:
        dataset.PixelPaddingValue = scan.padding
        dataset["PixelPaddingValue"].VR = "SS" if stored.dtype.kind == "i" else "US"
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"


def to_bytes(dataset: FileDataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Write a data set in a transfer syntax, compressed where it says so."""
    uid = UID(syntax)
    if uid in ENCODERS:
        _put_stream(dataset, uid)
    elif uid == ExplicitVRBigEndian:
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    elif uid.is_encapsulated:
        dataset.compress(uid, generate_instance_uid=False)
    elif uid != ExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = uid
    stream = io.BytesIO()
    written = Dataset(dataset)  # without the encoding it was made for
    written.file_meta, written.preamble = dataset.file_meta, bytes(128)
    written.save_as(
        stream, implicit_vr=uid.is_implicit_VR, little_endian=uid.is_little_endian, enforce_file_format=True
    )
    return stream.getvalue()


def _put_stream(dataset: FileDataset, syntax: UID) -> None:
    """Compress one plane with an encoder that pydicom does not have."""
    kind = "<i2" if dataset.PixelRepresentation else "<u2"
    plane = np.frombuffer(dataset.PixelData, kind).reshape(dataset.Rows, dataset.Columns)
    dataset.PixelData = encapsulate([bytes(ENCODERS[syntax](plane))])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = syntax


def build_nifti(scan: Scan, kind: type = nib.Nifti1Image, packed: bool = False, big_endian: bool = False) -> bytes:
    """Write a scan as one NIfTI file."""
    header = kind.header_class(endianness=">" if big_endian else "<")
    header.set_data_dtype(np.int16)
    image = kind(scan.stored.transpose(2, 1, 0), scan.affine(), header)
    image.set_qform(scan.affine(), 1)
    image.set_sform(scan.affine(), 1)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(1.0, 0.0)
    data = image.to_bytes()
    return gzip.compress(data, 1) if packed else data


def build_picture(rng: np.random.Generator, kind: str) -> bytes:
    """Write a small picture: png8, png16, png_rgb, png_palette, jpeg or tiff."""
    shape = (6, 8, 3) if kind in ("png_rgb", "png_palette") else (6, 8)
    dtype = np.uint16 if kind == "png16" else np.uint8
    picture = Image.fromarray(rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype))
    if kind == "png_palette":
        picture = picture.quantize(8)
    stream = io.BytesIO()
    picture.save(stream, format={"jpeg": "JPEG", "tiff": "TIFF"}.get(kind, "PNG"))
    return stream.getvalue()


def with_sign(scan: Scan, signed: bool) -> Scan:
    """Declare the same bytes signed or unsigned."""
    return replace(scan, stored=scan.stored.view(np.int16 if signed else np.uint16))
