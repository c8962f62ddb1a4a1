"""A manifest's scans are measured: shapes, spacings, intensities, lesions, classes by patient."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medres.datasets.manifest import read_manifest
from medres.errors import DatasetError
from medres.training.fingerprint import choose_sample, take_fingerprint
from tests.medres.training import cohorts


def test_volumes_are_measured_with_their_lesions(tmp_path):
    manifest = cohorts.write_cohort(tmp_path, 8)
    mask = np.zeros((12, 12, 12), np.uint8)
    mask[4:8, 4:8, 4:8] = 1
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), tmp_path / "mask.nii.gz")
    rows = [
        dataclasses.replace(r, mask_path=Path("mask.nii.gz") if r.label == "lesion" else None) for r in manifest.rows
    ]
    seen = []
    found = take_fingerprint(manifest.with_rows(rows), on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8, 8)
    assert found.labels == {"healthy": 4, "lesion": 4}
    assert (found.scans, found.patients, found.read, found.refused) == (8, 8, 8, 0)
    assert found.shape == ((12.0, 12.0, 12.0),) * 3
    assert found.spacing_mm[0][1] == 1.0
    assert found.lesions == 4
    assert found.lesion_voxels == (4.0, 4.0, 4.0)
    assert found.lesion_mm[1] == pytest.approx(2 * (3 * 64 / (4 * np.pi)) ** (1 / 3))
    assert not found.whole_numbers
    assert found.intensity[0] < -60 < found.intensity[2] < 60


@pytest.mark.parametrize("sample", [0, -3])
def test_reject_a_sample_of_no_scan(tmp_path, sample):
    with pytest.raises(DatasetError, match=f"E_USAGE: at least one scan must be read to plan, got {sample}"):
        take_fingerprint(cohorts.write_cohort(tmp_path, 4), sample=sample)


def test_pictures_are_measured_without_mm(tmp_path):
    found = take_fingerprint(cohorts.write_pictures(tmp_path, 9))
    assert found.is_picture
    assert found.whole_numbers
    assert not found.spacing_known
    assert found.lesion_mm == ()


def test_sample_is_spread_over_labels(tmp_path):
    manifest = cohorts.write_pictures(tmp_path, 30)
    chosen = choose_sample(manifest, 9)
    assert [sum(row.label == name for row in chosen) for name in manifest.label_names] == [3, 3, 3]


def test_scans_that_cannot_be_read_are_counted_and_mixed_ones_refused(tmp_path):
    manifest = cohorts.write_cohort(tmp_path, 6)
    (tmp_path / "0.nii.gz").write_bytes(b"no scan")
    assert take_fingerprint(manifest).refused == 1
    mixed = [dataclasses.replace(row, modality="MR" if row.number == 3 else "CT") for row in manifest.rows]
    with pytest.raises(DatasetError, match=r"E_PLAN_MIXED.*CT, MR"):
        take_fingerprint(manifest.with_rows(mixed))
    for path in tmp_path.glob("*.nii.gz"):
        path.write_bytes(b"no scan")
    with pytest.raises(DatasetError, match="E_PLAN_EMPTY"):
        take_fingerprint(read_manifest(tmp_path / "manifest.csv"))
