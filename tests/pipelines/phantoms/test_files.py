"""Phantoms on disk are read back as they were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medres
from medres.errors import IntakeError
from pipelines.phantoms.anatomy import build_phantom
from pipelines.phantoms.files import picture_pixels, write_dicom, write_nifti, write_picture

PHANTOM = build_phantom(2, spacing_mm=(4.0, 4.0, 6.0))


def test_dicom_series_is_read_back_to_the_voxel(tmp_path: Path) -> None:
    write_dicom(PHANTOM, tmp_path / "scan", 2)
    volume = medres.read(tmp_path / "scan")
    assert volume.modality == "CT"
    assert np.array_equal(volume.voxels, PHANTOM.voxels)
    assert np.allclose(volume.affine, PHANTOM.affine, atol=1e-4)


def test_nifti_file_is_read_back_to_the_voxel(tmp_path: Path) -> None:
    write_nifti(PHANTOM, tmp_path / "scan.nii")
    volume = medres.read(tmp_path / "scan.nii", modality="CT")
    assert np.array_equal(volume.voxels, PHANTOM.voxels)
    assert np.allclose(volume.affine, PHANTOM.affine, atol=1e-4)


def test_picture_keeps_columns_and_rows(tmp_path: Path) -> None:
    write_picture(PHANTOM, 8, tmp_path / "slice.png")
    volume = medres.read(tmp_path / "slice.png", modality="CT")
    assert np.array_equal(volume.voxels[:, :, 0], picture_pixels(PHANTOM, 8).T)


def test_broken_export_is_refused(tmp_path: Path) -> None:
    write_dicom(PHANTOM, tmp_path / "scan", 2, skip=(7,))
    with pytest.raises(IntakeError, match="E_GEOM_GAP"):
        medres.read(tmp_path / "scan")
