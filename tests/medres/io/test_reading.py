"""One Volume from a path, whatever its kind; several are refused with a choice."""

from __future__ import annotations

import pickle
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

import medres
from medres.errors import IntakeError
from medres.io import find_series, read, read_series
from tests.phantoms_dicom import phantom_voxels, save_ct


def test_read_dicom_nifti_and_pictures_through_one_door(tmp_path: Path) -> None:
    save_ct(tmp_path / "d")
    nibabel.save(nibabel.Nifti1Image(phantom_voxels(), np.eye(4)), tmp_path / "n.nii.gz")
    Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(tmp_path / "p.png")
    assert medres.read(tmp_path / "d").modality == "CT"
    assert medres.read(tmp_path / "n.nii.gz", modality="CT").unit == "HU"
    assert read(tmp_path / "n.nii.gz").modality == ""
    assert read(tmp_path / "p.png", modality="US").frame == "detector"


def test_refuse_an_unknown_key_and_name_those_that_are_there(tmp_path: Path) -> None:
    save_ct(tmp_path)
    key = find_series(tmp_path).series[0].key
    with pytest.raises(IntakeError, match=f"E_NOT_FOUND: .* there are 1: {key}"):
        read(tmp_path, series="Doe^Jane")


def test_refuse_one_file_that_is_no_scan(tmp_path: Path) -> None:
    (tmp_path / "Doe.txt").write_text("text")
    with pytest.raises(IntakeError, match="E_NOT_DICOM: the file is no scan: text") as fault:
        read(tmp_path / "Doe.txt")
    assert "Doe" not in str(fault.value)


def test_a_refused_series_raises_its_own_message(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: delattr(ds, "RescaleSlope"))
    series = find_series(tmp_path).series[0]
    with pytest.raises(IntakeError) as fault:
        read_series(series)
    assert str(fault.value) == series.message


def test_a_series_survives_the_way_to_another_process(tmp_path: Path) -> None:
    save_ct(tmp_path)
    series = pickle.loads(pickle.dumps(find_series(tmp_path).series[0]))
    assert np.array_equal(read_series(series).voxels, phantom_voxels())


def test_the_same_scan_read_twice_is_equal(tmp_path: Path) -> None:
    save_ct(tmp_path)
    one, two = read(tmp_path), read(tmp_path)
    assert one.origin == two.origin
    assert np.array_equal(one.affine, two.affine)
