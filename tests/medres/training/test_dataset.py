"""Rows become tensors on the one path, from the cache or not; a wrong row is named by its number."""

from __future__ import annotations

import pytest
import torch

from medres.errors import DatasetError, MedresError
from medres.preprocessing.pipeline import preprocess
from medres.training import dataset
from medres.training.dataset import ScanDataset, prepare_scans, read_volume
from medres.training.spec import LabelSpec
from tests.medres.training import cohorts


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return cohorts.write_cohort(tmp_path_factory.mktemp("cohort"), 4)


def prepare(manifest, **changes):
    spec = cohorts.experiment()
    return prepare_scans(manifest, manifest.rows, spec.preprocessing, spec.labels, **changes)


def test_tensor_is_that_of_the_preprocessing_path_bit_for_bit(cohort):
    spec = cohorts.experiment()
    scans = prepare(cohort)
    for row, scan in zip(cohort.rows, scans, strict=True):
        shown = preprocess(read_volume(cohort, row), spec.preprocessing)
        assert torch.equal(scan.tensor, shown.batch)
        assert (scan.number, scan.key, scan.patient_id) == (row.number, row.key, row.patient_id)
        assert spec.labels.names[scan.label] == row.label


def test_dataset_gives_views_by_place(cohort):
    scans = prepare(cohort)
    data = ScanDataset(scans)
    view, label, scan = data[(3, 0)]
    assert (len(data), label, scan) == (4, 1, 3)
    assert torch.equal(view, scans[3].tensor[0])


def test_cache_gives_the_same_scans_without_reading_them_again(cohort, tmp_path, monkeypatch):
    first = prepare(cohort, cache=tmp_path)
    monkeypatch.setattr(dataset, "read", lambda *_, **__: pytest.fail("read again"))
    again = prepare(cohort, cache=tmp_path)
    for old, new in zip(first, again, strict=True):
        assert torch.equal(old.tensor, new.tensor)
        assert (old.content_digest, dict(old.facts)) == (new.content_digest, dict(new.facts))


def test_cache_knows_another_spec_and_changed_content(cohort, tmp_path):
    prepare(cohort, cache=tmp_path / "cache")
    spec = cohorts.experiment(cohorts.TOML.replace("upper = 600", "upper = 700"))
    prepare_scans(cohort, cohort.rows, spec.preprocessing, spec.labels, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 8
    other = cohorts.write_cohort(tmp_path / "other", 2)
    before = prepare(other, cache=tmp_path / "two")
    (other.folder / "0.nii.gz").write_bytes((other.folder / "1.nii.gz").read_bytes())
    assert not torch.equal(prepare(other, cache=tmp_path / "two")[0].tensor, before[0].tensor)


def test_broken_cache_entry_is_made_again(cohort, tmp_path):
    first = prepare(cohort, cache=tmp_path)
    for entry in tmp_path.iterdir():
        entry.write_bytes(entry.read_bytes()[:40])
    assert torch.equal(prepare(cohort, cache=tmp_path)[0].tensor, first[0].tensor)


def test_scans_beyond_the_memory_limit_stay_on_the_disk(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "MEMORY_LIMIT_BYTES", 2 * 4 * 12**3)
    scans = prepare(cohort, cache=tmp_path)
    assert [isinstance(scan.source, torch.Tensor) for scan in scans] == [True, True, False, False]
    assert torch.equal(scans[3].tensor, prepare(cohort)[3].tensor)


def test_ignored_labels_are_left_out_and_unknown_ones_refused(cohort):
    spec = cohorts.experiment()
    groups = {"healthy": ("healthy",), "other": ("other",)}
    ignoring = LabelSpec(positive="other", groups=groups, ignore=("lesion",))
    assert len(prepare_scans(cohort, cohort.rows, spec.preprocessing, ignoring)) == 2
    with pytest.raises(DatasetError, match=r"E_MANIFEST_LABEL: labels must be among healthy, other, got 'lesion' in 2"):
        prepare_scans(cohort, cohort.rows, spec.preprocessing, LabelSpec(positive="other", groups=groups))


def test_unreadable_scan_is_named_by_its_row(tmp_path):
    manifest = cohorts.write_cohort(tmp_path, 2)
    (tmp_path / "1.nii.gz").write_bytes(b"not a scan")
    with pytest.raises(MedresError, match=r"E_\w+: row 3: ") as caught:
        prepare(manifest)
    assert str(tmp_path) not in str(caught.value)


def test_unknown_spacing_of_the_manifest_reaches_the_volume(tmp_path):
    manifest = cohorts.write_pictures(tmp_path, 1)
    volume = read_volume(manifest, manifest.rows[0])
    assert not volume.spacing_known
    assert "W_SPACING_UNKNOWN" in volume.codes
