"""The same segmentation as PNG, NIfTI, DICOM SEG and NRRD lies on the same voxels."""

from __future__ import annotations

from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 (its own name for itself)
from highdicom.sr.coding import CodedConcept
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medres.datasets.masks import number_lesions, read_mask
from medres.errors import DatasetError
from medres.io import read
from medres.volume import Volume
from tests.shared_data import shared

AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])
AFFINE[:3, 3] = (40.0, 30.0, -20.0)
SHAPE = (20, 16, 8)
INSIDE = np.zeros(SHAPE, bool)
INSIDE[4:9, 5:12, 2:5] = True


@pytest.fixture
def volume() -> Volume:
    return Volume(np.zeros(SHAPE, np.int16), AFFINE, "CT")


def ct_slices(folder: Path) -> list[pydicom.Dataset]:
    """Make the CT series that lies on AFFINE (LPS: x and y are positive there)."""
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    made = []
    for k in range(SHAPE[2]):
        ds = pydicom.Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "P", "", "", ""
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "", "", "", "", ""
        ds.Modality, ds.Rows, ds.Columns, ds.PixelSpacing = "CT", SHAPE[1], SHAPE[0], [0.8, 0.8]
        ds.ImageOrientationPatient, ds.SliceThickness = [1, 0, 0, 0, 1, 0], 2.5
        ds.ImagePositionPatient = [-40.0, -30.0, -20.0 + 2.5 * k]
        ds.SeriesNumber, ds.InstanceNumber = 1, k + 1
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept, ds.PixelData = 1, 0, bytes(2 * SHAPE[0] * SHAPE[1])
        made.append(ds)
    return made


def write_seg(path: Path, kind: str = "BINARY") -> Path:
    code = CodedConcept("108369006", "SCT", "Neoplasm")
    segment = highdicom.seg.SegmentDescription(
        1, "lesion", CodedConcept("49755003", "SCT", "Morphologically Altered Structure"), code, "MANUAL"
    )
    seg = highdicom.seg.Segmentation(
        ct_slices(path.parent), INSIDE.transpose(2, 1, 0).astype(np.uint8), kind, [segment],
        generate_uid(), 2, generate_uid(), 1, "m", "m", "1", "1", omit_empty_frames=True,
    )  # fmt: skip
    seg.save_as(path)
    return path


def write_nifti(path: Path, inside: np.ndarray = INSIDE, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), affine), path)
    return path


def write_nrrd(path: Path) -> Path:
    image = sitk.GetImageFromArray(INSIDE.transpose(2, 1, 0).astype(np.uint8))
    image.SetSpacing((0.8, 0.8, 2.5))
    image.SetOrigin((-40.0, -30.0, -20.0))
    sitk.WriteImage(image, str(path), True)
    return path


@pytest.mark.parametrize(
    ("write", "name"), [(write_nifti, "m.nii.gz"), (write_nrrd, "m.seg.nrrd"), (write_seg, "m.dcm")]
)
def test_every_format_lies_on_the_same_voxels(tmp_path: Path, volume: Volume, write: object, name: str) -> None:
    assert np.array_equal(read_mask(write(tmp_path / name), volume), INSIDE)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_kind_of_seg_lies_on_the_same_voxels(tmp_path: Path, volume: Volume, kind: str) -> None:
    assert np.array_equal(read_mask(write_seg(tmp_path / "s.dcm", kind), volume), INSIDE)


def test_mask_on_another_grid_is_laid_by_millimetres(tmp_path: Path, volume: Volume) -> None:
    flipped = AFFINE @ np.array([[-1, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    write_nifti(tmp_path / "m.nii", INSIDE[::-1], flipped)
    assert np.array_equal(read_mask(tmp_path / "m.nii", volume), INSIDE)


def test_picture_lies_pixel_by_pixel(tmp_path: Path) -> None:
    plane = INSIDE[:, :, 3]
    Image.fromarray(plane.T.astype(np.uint8) * 255).save(tmp_path / "m.png")
    scan = Volume(np.zeros((*plane.shape, 1), np.uint8), np.eye(4), "US", frame="detector", spacing_known=False)
    assert np.array_equal(read_mask(tmp_path / "m.png", scan)[:, :, 0], plane)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda p: (
                Image.fromarray(np.zeros((16, 20), np.uint8)).save(p.with_suffix(".jpg")) or p.with_suffix(".jpg")
            ),
            "PNG",
        ),
        (
            lambda p: p.with_suffix(".mha").write_bytes(b"ObjectType = Image" * 20) and p.with_suffix(".mha"),
            "MetaImage",
        ),
        (lambda p: p.with_suffix(".txt").write_text("hello") and p.with_suffix(".txt"), "unknown format"),
        (lambda p: p.with_suffix(".gone"), "none at this place"),
        (lambda p: write_nifti(p.with_suffix(".nii"), INSIDE, AFFINE + 900 * np.eye(4, k=3)), "none of them on it"),
    ],
)
def test_refuse_what_is_no_segmentation_of_this_scan(tmp_path: Path, volume: Volume, make: object, says: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_mask(make(tmp_path / "m"), volume)
    assert caught.value.code == "E_MASK"
    assert says in str(caught.value)


def test_contours_are_refused_with_the_name_of_a_converter(tmp_path: Path, volume: Volume) -> None:
    ds = pydicom.Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    with pytest.raises(DatasetError, match=r"RTSTRUCT.*dcmrtstruct2nii"):
        read_mask(tmp_path / "rt.dcm", volume)


def test_wrong_size_of_a_picture_is_said_with_numbers(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "m.png")
    scan = Volume(np.zeros((20, 16, 1), np.uint8), np.eye(4), "US", frame="detector")
    with pytest.raises(DatasetError, match=r"\(20, 16, 1\), got \(6, 5, 1\)"):
        read_mask(tmp_path / "m.png", scan)


def test_real_lesion_masks_lie_on_their_pictures() -> None:
    folder = shared("data/breast_ultrasound")
    scan = read(folder / "images/benign/001.png", modality="US")
    inside = read_mask(folder / "masks/benign/001.png", scan)
    assert inside.shape == scan.shape
    assert 0.001 < inside.mean() < 0.9


def test_voxels_that_touch_by_a_corner_are_one_lesion():
    inside = np.zeros((5, 5, 5), bool)
    inside[0, 0, 0] = inside[1, 1, 1] = inside[4, 4, 4] = True
    numbered, count = number_lesions(inside)
    assert (count, numbered[1, 1, 1], numbered[4, 4, 4]) == (2, 1, 2)
