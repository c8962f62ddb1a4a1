"""Real scans against dcm2niix: affine within 1e-3 mm and the same voxels, up to dcm2niix's documented flips."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from medres import geometry
from medres.io import find_series, read, read_series
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from medres.io.stack import read_stack
from tests.shared_data import shared

pytestmark = pytest.mark.shared


def assert_same_scan(voxels: NDArray, affine: NDArray[np.float64], reference: nibabel.Nifti1Image) -> None:
    """The same voxels at the same millimetres, after flips only (dcm2niix turns rows over, sagittal stacks too)."""
    order, flips = geometry.reorientation(affine, geometry.orientation_codes(reference.affine))
    turned = voxels.transpose(order)
    turned = turned[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    moved = geometry.reoriented_affine(affine, voxels.shape, order, flips)
    assert turned.shape == reference.shape
    assert np.abs(moved - reference.affine).max() < 1e-3
    assert np.array_equal(turned, np.asarray(reference.dataobj))


@pytest.mark.parametrize("name", ["mr_sagittal_192", "ct_abdomen_18", "ct_body_20_jpeg2000"])
def test_real_series_equal_dcm2niix(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    folder.mkdir()
    for path in shared(f"data/dicom/{name}").iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    volume = read(folder)
    reference = nibabel.load(shared(f"data/dicom/{name}/reference/dcm2niix.nii.gz"))
    assert volume.voxels.dtype == np.int16
    assert_same_scan(volume.voxels, volume.affine, reference)
    inspected = find_series(folder).series[0]
    assert set(inspected.codes) == set(volume.codes)
    assert ("W_EMPTY_UID" in volume.codes) is (name == "ct_body_20_jpeg2000")


def test_real_enhanced_time_points_equal_dcm2niix() -> None:
    folder = shared("data/dicom/mr_enhanced_multiframe")
    reference = nibabel.load(folder / "Ref/Siemens_REST1_w_SMS_PF7-8_6.nii")
    series = find_series(folder / "In/Siemens").series
    left = {n: reference.dataobj[..., n] for n in range(4)}
    for one in series:
        volume = read_series(one)
        place = next(n for n, voxels in left.items() if np.array_equal(np.sort(voxels.ravel()), np.sort(
            volume.voxels.ravel())))  # fmt: skip
        assert_same_scan(volume.voxels, volume.affine, nibabel.Nifti1Image(left.pop(place), reference.affine))
    assert left == {}


def test_real_enhanced_image_types_equal_dcm2niix() -> None:
    folder = shared("data/dicom/mr_enhanced_multiframe")
    volumes = [read_series(one) for one in find_series(folder / "In/Philips").series]
    for name in ("Philips_WIP_B0_NS_801_e1.nii", "Philips_WIP_B0_NS_801_e2_fieldmaphz.nii"):
        reference = nibabel.load(folder / "Ref" / name)
        volume = min(volumes, key=lambda v: abs(float(v.voxels.min()) - float(reference.dataobj[...].min())))
        order, flips = geometry.reorientation(volume.affine, geometry.orientation_codes(reference.affine))
        turned = volume.voxels.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
        moved = geometry.reoriented_affine(volume.affine, volume.voxels.shape, order, flips)
        assert np.abs(moved - reference.affine).max() < 1e-3
        # dcm2niix undoes Philips' private scaling, we keep RescaleSlope: the two differ by one line, exactly
        wanted = np.asarray(reference.dataobj, float).ravel()
        slope, intercept = np.polyfit(turned.ravel().astype(float), wanted, 1)
        assert np.abs(turned.ravel() * slope + intercept - wanted).max() < 1e-3 * np.ptp(wanted)


def test_real_mosaic_is_refused_and_its_pixels_equal_dcm2niix() -> None:
    folder = shared("data/dicom/mr_one_image_nine_syntaxes")
    assert find_series(folder / "In").series[0].codes == ("E_UNSUPPORTED",)
    for number in range(1, 10):
        values = read_stack(read_header(folder / "In" / f"{number}.dcm", HeaderReader())).values
        assert values is not None
        reference = np.asarray(nibabel.load(folder / "Ref" / f"{number}.nii").dataobj)
        size, count = reference.shape[0], reference.shape[2]
        across = values.shape[2] // size
        tiles = [values[0, r * size : (r + 1) * size, c * size : (c + 1) * size]
                 for r in range(across) for c in range(across)][:count]  # fmt: skip
        mosaic = np.stack(tiles, axis=2).transpose(1, 0, 2)[:, ::-1]  # dcm2niix turns rows over
        assert np.array_equal(mosaic, reference.squeeze()), number


def test_real_headers_agree_with_pydicom() -> None:
    import pydicom

    for path in sorted(shared("data/dicom").rglob("*.dcm")):
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        facts = read_header(path, HeaderReader())[0].facts
        assert (facts.rows, facts.columns, facts.bits_stored) == (ds.Rows, ds.Columns, ds.BitsStored)
        assert (facts.series_uid, facts.modality) == (ds.SeriesInstanceUID, ds.Modality)
        assert facts.frames == int(ds.get("NumberOfFrames", 1))
        if "PixelSpacing" in ds:
            assert facts.spacing == tuple(ds.PixelSpacing)
