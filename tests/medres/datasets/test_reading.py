"""A row's channels and its segmentation are read as the manifest says."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from medres.datasets.manifest import read_manifest
from medres.datasets.reading import read_channel, read_row, read_row_mask
from medres.datasets.scans import read_scans
from medres.errors import DatasetError

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two rows of two channels: one segmentation on half the spacing, one that is contours."""
    for number, name in enumerate(("t1c", "flair")):
        voxels = np.random.default_rng(number).integers(0, 900, (12, 10, 8)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), tmp_path / f"{name}.nii.gz")
    inside = np.zeros((24, 20, 16), np.uint8)
    inside[4:12, 6:10, 2:8] = 1
    fine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1.0])
    fine[:3, 3] = -0.25 * np.array([2.0, 2.0, 3.0])
    nibabel.save(nibabel.Nifti1Image(inside, fine), tmp_path / "mask.nii.gz")
    (tmp_path / "contours.xml").write_text("<x/>")
    lines = ["patient_id,path_t1c,path_flair,label,modality,mask_path", "p1,t1c.nii.gz,flair.nii.gz,a,MR,mask.nii.gz"]
    lines.append("p2,flair.nii.gz,t1c.nii.gz,b,MR,contours.xml")
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "m.csv"


def test_channels_come_by_name(place: Path) -> None:
    manifest = read_manifest(place)
    volumes = read_row(manifest, manifest.rows[1])
    assert list(volumes) == ["t1c", "flair"]
    first = read_channel(manifest, manifest.rows[0], "flair")
    assert (np.asarray(volumes["t1c"].voxels) == np.asarray(first.voxels)).all()


def test_segmentation_lies_on_the_scan_s_grid(place: Path) -> None:
    manifest = read_manifest(place)
    row = manifest.rows[0]
    inside = read_row_mask(manifest, row, read_channel(manifest, row))
    assert inside is not None
    assert inside.shape == (12, 10, 8)
    assert np.argwhere(inside).min(axis=0).tolist() == [2, 3, 1]
    assert np.argwhere(inside).max(axis=0).tolist() == [5, 4, 3]


def test_segmentation_that_cannot_be_used_is_a_fault_with_the_name_of_a_converter(place: Path) -> None:
    manifest = read_manifest(place)
    with pytest.raises(DatasetError, match=r"E_MASK.*3D Slicer"):
        read_row_mask(manifest, manifest.rows[1], read_channel(manifest, manifest.rows[1]))
    faults = [(scan.number, scan.code) for scan in read_scans(manifest) if scan.code]
    assert faults == [(3, "E_MASK")]
