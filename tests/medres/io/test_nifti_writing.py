import gzip

import nibabel as nib
import numpy as np
import pytest

from medres.errors import IntakeError, StoreError
from medres.io.nifti import read_nifti
from medres.io.nifti_writing import as_stored, write_nifti, write_volume
from medres.volume import Volume
from tests.medres.io import nifti_phantom as phantom


def ct(voxels=None, affine=None, **fields):
    voxels = phantom.voxels("float32") - 1000 if voxels is None else voxels
    return Volume(voxels=voxels, affine=phantom.affine() if affine is None else affine, modality="CT", **fields)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_written_is_read_back_exactly(tmp_path, name):
    write_volume(ct(), tmp_path / name)
    back = read_nifti(tmp_path / name, modality="CT")
    assert np.array_equal(back.voxels, ct().voxels)
    assert back.voxels.dtype == np.int16
    assert np.allclose(back.affine, phantom.affine(), atol=1e-4)
    assert back.codes == ()


def test_both_forms_are_written_and_agree_with_nibabel(tmp_path):
    write_volume(ct(), tmp_path / "a.nii.gz")
    image = nib.load(tmp_path / "a.nii.gz")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert nib.aff2axcodes(image.affine) == ("A", "L", "S")


def test_a_sheared_affine_stands_in_the_sform_alone(tmp_path):
    tilted = phantom.affine()
    tilted[1, 2] = 1.2
    write_volume(ct(affine=tilted), tmp_path / "a.nii")
    image = nib.load(tmp_path / "a.nii")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    assert np.allclose(image.affine, tilted, atol=1e-4)
    assert np.allclose(read_nifti(tmp_path / "a.nii").affine, tilted, atol=1e-4)


def test_a_scan_without_sides_is_written_without_forms(tmp_path):
    write_volume(ct(affine=np.diag([2.0, 3.0, 1.0, 1.0]), frame="detector", spacing_known=False), tmp_path / "a.nii")
    back = read_nifti(tmp_path / "a.nii")
    assert back.codes == ("W_NIFTI_NO_SIDE",)
    assert back.spacing_mm == (2.0, 3.0, 1.0)
    assert nib.load(tmp_path / "a.nii").header.get_xyzt_units()[0] == "unknown"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([-1024.0, 3071.0], "int16"),
        ([0, 65535], "uint16"),
        ([-1, 65535], "int32"),
        ([0.5, 1.0], "float32"),
        ([np.nan, 1.0], "float32"),
        ([0, 2**40], "int64"),
    ],
)
def test_the_smallest_exact_type_is_chosen(values, dtype):
    stored = as_stored(np.array(values).reshape(2, 1, 1))
    assert stored.dtype == dtype
    assert np.array_equal(stored.ravel(), np.array(values, dtype), equal_nan=True)


def test_eight_bits_stay_eight_bits_and_a_mask_becomes_them():
    assert as_stored(np.zeros((2, 2, 2), np.uint8)).dtype == np.uint8
    assert as_stored(np.ones((2, 2, 2), bool)).dtype == np.uint8


def test_the_same_volume_gives_the_same_bytes_and_no_name_in_them(tmp_path):
    for name in ("secret-a.nii.gz", "secret-b.nii.gz"):
        write_volume(ct(), tmp_path / name)
    data = (tmp_path / "secret-a.nii.gz").read_bytes()
    assert data == (tmp_path / "secret-b.nii.gz").read_bytes()
    assert b"secret" not in data + gzip.decompress(data)


def test_a_side_too_long_for_nifti_1_is_written_as_nifti_2(tmp_path):
    write_nifti(np.zeros((40_000, 1, 1), np.uint8), np.eye(4), tmp_path / "a.nii.gz")
    assert read_nifti(tmp_path / "a.nii.gz").shape == (40_000, 1, 1)


def test_colour_and_other_endings_are_refused(tmp_path):
    with pytest.raises(IntakeError, match="E_COLOUR"):
        write_volume(ct(voxels=np.zeros((2, 2, 1, 3), np.uint8)), tmp_path / "a.nii")
    with pytest.raises(StoreError, match="E_USAGE"):
        write_volume(ct(), tmp_path / "a.dcm")
    assert not list(tmp_path.iterdir())
