"""Cohorts of phantoms: manifest, truth and an inbox as operators find it."""

from __future__ import annotations

import json
from pathlib import Path

from medres.datasets.manifest import read_manifest
from medres.io import find_series
from pipelines.phantoms.cohort import write_inbox, write_pictures, write_volumes


def test_volumes_have_a_manifest_and_the_truth(tmp_path: Path) -> None:
    told: list[int] = []
    manifest = read_manifest(write_volumes(tmp_path, 8, 10, lambda done, total: told.append(done)))
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert told == list(range(1, 9))
    assert [row.label for row in manifest.rows].count("lesion") == 4
    assert all((truth[row.key] is not None) == (row.label == "lesion") for row in manifest.rows)
    assert (manifest.folder / manifest.rows[0].key).is_dir()
    assert (manifest.folder / manifest.rows[2].key).is_file()


def test_pictures_show_the_slice_through_the_lesion(tmp_path: Path) -> None:
    manifest = read_manifest(write_pictures(tmp_path, 4, 10, lambda *_: None))
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert not manifest.rows[0].spacing_known
    assert len(truth[manifest.rows[0].key]["centre_pixel"]) == 2


def test_inbox_holds_good_foreign_broken_and_stray(tmp_path: Path) -> None:
    truth = write_inbox(tmp_path, 50, 2)
    inventory = find_series(tmp_path)
    verdicts = [(series.modality, series.verdict) for series in inventory.series]
    assert sorted(truth) == ["ct00", "ct01"]
    assert sum(modality == "CT" and verdict != "refused" for modality, verdict in verdicts) == 2
    assert sum(modality == "MR" for modality, _ in verdicts) == 2
    assert sum(verdict == "refused" for _, verdict in verdicts) == 1
    assert len(inventory.skipped) >= 1
