"""Phantom -> DICOM series, NIfTI file or PNG picture, as scanners and people write them.

Identifiers are made from the patient's number alone; no real person stands behind them.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from medres import geometry
from pipelines.phantoms.anatomy import Phantom

UID_ROOT = "1.2.826.0.1.3680043.10.1453"  # synthetic studies only
SOP_CLASS = {"CT": CTImageStorage, "MR": MRImageStorage}
PICTURE_WINDOW = (-110.0, 190.0)  # HU shown as black and white


def write_nifti(phantom: Phantom, path: Path) -> None:
    """Write a NIfTI-1 file whose sform and qform both carry the affine.

    Args:
        phantom: the patient.
        path: `.nii` or `.nii.gz`.
    """
    image = nib.Nifti1Image(phantom.voxels, phantom.affine, dtype=np.int16)
    image.set_sform(phantom.affine, code=1)
    image.set_qform(phantom.affine, code=1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def write_dicom(phantom: Phantom, folder: Path, number: int, *, skip: tuple[int, ...] = ()) -> None:
    """Write a single-frame DICOM series, one file a slice, explicit little endian.

    Args:
        phantom: the patient.
        folder: made when absent.
        number: the patient's number: identifiers are made from it.
        skip: slices (from 0) to leave out, as a broken export does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(phantom.voxels.shape[2]):
        if k not in skip:
            dataset = _slice_dataset(phantom, number, k)
            dataset.save_as(folder / f"IM{k:04d}", enforce_file_format=True)


def _slice_dataset(phantom: Phantom, number: int, k: int) -> FileDataset:
    """One slice with everything that a reader needs, pixels as rows by columns."""
    sop, instance = SOP_CLASS[phantom.modality], UID(f"{UID_ROOT}.{number}.1.{k + 1}")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop, instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop, instance
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{UID_ROOT}.{number}", f"{UID_ROOT}.{number}.1"
    dataset.FrameOfReferenceUID = f"{UID_ROOT}.{number}.9"
    dataset.PatientID, dataset.PatientName = f"PHANTOM{number:05d}", f"Phantom^{number:05d}"
    dataset.StudyDate, dataset.Modality, dataset.InstanceNumber = "20260101", phantom.modality, k + 1
    dataset.SeriesDescription, dataset.ImageType = "synthetic", ["ORIGINAL", "PRIMARY", "AXIAL"]
    _describe_geometry(dataset, phantom, k)
    _describe_pixels(dataset, phantom, k)
    return dataset


def _describe_geometry(dataset: FileDataset, phantom: Phantom, k: int) -> None:
    """Position, orientation and spacing in DICOM's LPS."""
    lps = geometry.ras_to_lps(phantom.affine)
    spacing = geometry.spacing_mm(lps)
    directions = lps[:3, :3] / spacing
    dataset.ImageOrientationPatient = [float(v) for v in (*directions[:, 0], *directions[:, 1])]
    dataset.ImagePositionPatient = [round(float(v), 6) for v in geometry.apply_affine(lps, [0, 0, k])]
    dataset.PixelSpacing = [float(spacing[1]), float(spacing[0])]  # between rows, between columns
    dataset.SliceThickness = float(spacing[2])


def _describe_pixels(dataset: FileDataset, phantom: Phantom, k: int) -> None:
    """16-bit pixels; CT with the usual rescale of 1 and -1024."""
    offset = 1024 if phantom.modality == "CT" else 0
    pixels = (phantom.voxels[:, :, k].T.astype(np.int32) + offset).astype(np.uint16)  # (rows, columns)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    if phantom.modality == "CT":
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -offset, "HU"
        dataset.WindowCenter, dataset.WindowWidth = 40, 300
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()


def write_mask(phantom: Phantom, path: Path) -> None:
    """Write the lesion as a segmentation on the scan's grid.

    Args:
        phantom: the patient.
        path: `.nii.gz`.
    """
    image = nib.Nifti1Image(phantom.mask.astype(np.uint8), phantom.affine)
    image.set_qform(phantom.affine, code=1)
    nib.save(image, path)


def write_picture_mask(phantom: Phantom, k: int, path: Path) -> None:
    """Write one slice of the lesion as a black and white PNG.

    Args:
        phantom: the patient.
        k: the slice.
        path: `.png`.
    """
    Image.fromarray(phantom.mask[:, :, k].T.astype(np.uint8) * 255).save(path)


def picture_pixels(phantom: Phantom, k: int) -> NDArray[np.uint8]:
    """Show one slice of a CT-like patient as an 8-bit picture.

    Args:
        phantom: the patient, HU.
        k: the slice.

    Returns:
        (rows, columns) uint8.
    """
    lower, upper = PICTURE_WINDOW
    grey = (phantom.voxels[:, :, k].T.astype(np.float32) - lower) / (upper - lower)
    return np.asarray(np.round(np.clip(grey, 0, 1) * 255), np.uint8)


def write_picture(phantom: Phantom, k: int, path: Path) -> None:
    """Write one slice as PNG.

    Args:
        phantom: the patient.
        k: the slice.
        path: `.png`.
    """
    Image.fromarray(picture_pixels(phantom, k)).save(path)
