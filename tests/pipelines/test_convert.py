import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest

from tests.medres.io import nifti_phantom
from tests.phantoms_dicom import phantom_voxels, save_ct
from tests.pipelines.program import medres
from tests.shared_data import shared

REAL = ["ct_abdomen_18", "ct_body_20_jpeg2000", "mr_sagittal_192"]


def key_of(folder, modality):
    from medres.io import find_series

    return next(s.key for s in find_series(folder, headers_only=True).series if s.modality == modality)


def assert_same_volume(ours, theirs):
    """Voxels exactly, affine within 1e-3 mm, once both lie in one order (dcm2niix flips rows)."""
    ours, theirs = nib.as_closest_canonical(ours), nib.as_closest_canonical(theirs)
    assert np.array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
    assert ours.get_data_dtype() == theirs.get_data_dtype()
    assert np.abs(ours.affine - theirs.affine).max() < 1e-3


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_series_equal_dcm2niixs_reference(name, tmp_path):
    folder = shared(f"data/dicom/{name}")
    done = medres(
        "convert", folder, tmp_path / "a.nii.gz", "--series", key_of(folder, "MR" if name[0] == "m" else "CT")
    )
    assert done.returncode == 0, done.stderr
    assert_same_volume(nib.load(tmp_path / "a.nii.gz"), nib.load(folder / "reference" / "dcm2niix.nii.gz"))


@pytest.mark.shared
def test_a_real_enhanced_series_equals_dcm2niixs_time_points(tmp_path):
    folder = shared("data/dicom/mr_enhanced_multiframe")
    reference = nib.as_closest_canonical(nib.load(folder / "Ref" / "Siemens_REST1_w_SMS_PF7-8_6.nii"))
    stored = np.asarray(reference.dataobj)
    for time in range(4):
        out = tmp_path / f"{time}.nii"
        done = medres("convert", folder / "In" / "Siemens" / "XA10" / f"6_{time + 1}.dcm", out)
        assert done.returncode == 0, done.stderr
        ours = nib.as_closest_canonical(nib.load(out))
        assert np.abs(ours.affine - reference.affine).max() < 1e-3
        assert any(np.array_equal(np.asarray(ours.dataobj), stored[..., t]) for t in range(4))


@pytest.mark.shared
@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_a_real_series_equals_what_dcm2niix_makes_of_it_now(tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(shared("data/dicom/ct_abdomen_18"), folder, ignore=shutil.ignore_patterns("reference"))
    subprocess.run(
        ["dcm2niix", "-z", "n", "-b", "n", "-f", "theirs", "-o", tmp_path, folder], check=True, capture_output=True
    )
    assert medres("convert", folder, tmp_path / "ours.nii").returncode == 0
    assert_same_volume(nib.load(tmp_path / "ours.nii"), nib.load(tmp_path / "theirs.nii"))


def test_several_series_are_refused_without_a_choice(tmp_path):
    nifti_phantom.write(tmp_path / "a.nii")
    nifti_phantom.write(tmp_path / "b.nii", nifti_phantom.voxels()[:-1])
    done = medres("convert", tmp_path, tmp_path / "out.nii")
    assert done.returncode == 3
    assert "E_SERIES_AMBIGUOUS" in done.stderr
    assert done.stderr.count("nifti-") == 2
    assert not (tmp_path / "out.nii").exists()


def test_a_volume_of_a_four_dimensional_file_is_chosen_by_its_key(tmp_path):
    stack = np.stack([nifti_phantom.voxels() * 0, nifti_phantom.voxels()], axis=-1)
    path = nifti_phantom.write(tmp_path / "a.nii", stack)
    refused = medres("convert", path, tmp_path / "out.nii")
    assert refused.returncode == 3
    key = refused.stderr.split("--series ")[1].split("@")[0]
    assert medres("convert", path, tmp_path / "out.nii", "--series", f"{key}@1").returncode == 0
    assert np.array_equal(np.asarray(nib.load(tmp_path / "out.nii").dataobj), nifti_phantom.voxels())


def test_warnings_go_with_the_result(tmp_path):
    path = nifti_phantom.patch(nifti_phantom.write(tmp_path / "a.nii"), sform_code=0, qform_code=0)
    done = medres("convert", path, tmp_path / "out.nii.gz")
    assert done.returncode == 0
    assert "W_NIFTI_NO_SIDE" in done.stderr
    assert "7 × 6 × 5" in done.stdout


def test_a_warning_that_asks_for_nothing_says_no_more(tmp_path):
    save_ct(tmp_path / "ct", lambda ds, k: setattr(ds, "SliceThickness", 5))
    done = medres("convert", tmp_path / "ct", tmp_path / "out.nii.gz")
    assert done.returncode == 0
    told = "W_THICKNESS: SliceThickness is unlike the distance between slices - positions decide"
    assert done.stderr.splitlines() == [told]


@pytest.mark.parametrize(
    ("out", "status", "code"),
    [("out.dcm", 2, "E_USAGE"), ("absent/out.nii", 1, "E_WRITE"), ("folder.nii", 1, "E_WRITE")],
)
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, out, status, code):
    (tmp_path / "folder.nii").mkdir()
    done = medres("convert", nifti_phantom.write(tmp_path / "a.nii"), tmp_path / out)
    assert done.returncode == status
    assert done.stderr.startswith(f"{code}: ")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii", "folder.nii"]


def test_a_folder_takes_every_series_under_its_key(tmp_path):
    save_ct(tmp_path / "in" / "ct")
    save_ct(tmp_path / "in" / "gap", lambda ds, k: setattr(ds, "ImagePositionPatient", [0, 0, 2.5 * k + 5 * (k > 4)]))
    nifti_phantom.write(tmp_path / "in" / "a.nii")
    (tmp_path / "out").mkdir()
    done = medres("convert", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "2 of 3 series written, 1 refused"
    assert "E_GEOM_GAP" in done.stderr
    written = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert len(written) == 2
    assert all(f"{name}: " in done.stdout for name in written)
    key = key_of(tmp_path / "in" / "ct", "CT")
    one = medres("convert", tmp_path / "in", tmp_path / "out", "--series", key)
    assert one.returncode == 0, one.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == written
    assert np.array_equal(np.asarray(nib.load(tmp_path / "out" / f"{key}.nii.gz").dataobj), phantom_voxels())


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_folder_takes_every_volume_of_a_four_dimensional_file(tmp_path, name):
    stack = np.stack([nifti_phantom.voxels() + step for step in range(3)], axis=-1)
    (tmp_path / "in").mkdir()
    nifti_phantom.write(tmp_path / "in" / name, stack)
    (tmp_path / "out").mkdir()
    done = medres("convert", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 series written, 0 refused"
    written = sorted((tmp_path / "out").iterdir())
    key = written[0].name.partition("@")[0]
    assert [path.name for path in written] == [f"{key}@{n}.nii.gz" for n in range(3)]
    for n, path in enumerate(written):
        assert np.array_equal(np.asarray(nib.load(path).dataobj), nifti_phantom.voxels() + n)
    again = medres("convert", tmp_path / "in", tmp_path / "out", "--series", f"{key}@2")
    assert again.returncode == 0, again.stderr


def test_a_four_dimensional_file_that_ends_early_is_refused(tmp_path):
    stack = np.stack([nifti_phantom.voxels()] * 3, axis=-1)
    (tmp_path / "in").mkdir()
    path = nifti_phantom.write(tmp_path / "in" / "a.nii", stack)
    path.write_bytes(path.read_bytes()[:-8])
    (tmp_path / "out").mkdir()
    done = medres("convert", tmp_path / "in", tmp_path / "out")
    assert (done.returncode, list((tmp_path / "out").iterdir())) == (3, [])
    assert "E_TRUNCATED" in done.stderr


def test_a_folder_that_is_not_there_is_made(tmp_path):
    save_ct(tmp_path / "ct")
    done = medres("convert", tmp_path / "ct", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert [path.suffixes for path in (tmp_path / "out").iterdir()] == [[".nii", ".gz"]]
    nowhere = medres("convert", tmp_path / "ct", tmp_path / "absent" / "out")
    assert (nowhere.returncode, nowhere.stderr.partition(":")[0]) == (1, "E_WRITE")


def test_a_refused_scan_and_an_absent_one_are_one_sentence(tmp_path):
    path = nifti_phantom.patch(nifti_phantom.write(tmp_path / "a.nii"), dim1=-3)
    done = medres("convert", path, tmp_path / "out.nii")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert done.stderr.startswith("E_NIFTI_HEADER: ")
    assert medres("convert", tmp_path / "absent", tmp_path / "out.nii").returncode == 1
