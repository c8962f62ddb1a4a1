"""An audit of planted copies, and of real sets whose copies are known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from medres.datasets.audit import audit_manifest, check_split, with_safe_groups
from medres.datasets.manifest import read_manifest
from medres.datasets.manifest import write_manifest as write_rows
from medres.datasets.split import build_split
from medres.datasets.split_file import split_from_column
from tests.medres.datasets.pictures import COPIES, write_cohort, write_manifest
from tests.shared_data import shared


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Twelve pictures in train and validation, their copies in test, one with another label."""
    rows = write_cohort(tmp_path)
    for number, copy in enumerate((lambda p: p, COPIES["mirrored"], COPIES["crop of 5 %"])):
        copy(Image.open(tmp_path / f"{number}.png")).save(tmp_path / f"copy{number}.bmp.png")
        rows.append((f"copy{number}.bmp.png", "benign"))
    splits = ["train"] * 8 + ["val"] * 4 + ["test"] * 3
    return write_manifest(tmp_path / "m.csv", rows, splits)


def test_planted_copies_are_leaks_by_name_and_rows(planted: Path) -> None:
    manifest = read_manifest(planted)
    split = split_from_column(manifest)
    report = audit_manifest(manifest, split)
    assert {(pair.first, pair.second, pair.kind) for pair in report.pairs} == {
        (2, 14, "exact"),
        (3, 15, "near"),
        (4, 16, "near"),
    }
    assert {leak.name: leak.judged_rows for leak in report.leaks} == {
        "exact:train/test": (14,),
        "near:train/test": (15, 16),
    }
    assert report.leaks == check_split(manifest, split)
    assert report.conflicts == ((2, 14), (4, 16))
    assert report.groups == ((2, 14), (3, 15), (4, 16))
    assert next(pair for pair in report.pairs if pair.first == 3).lay == "mirrored"


def test_same_audit_same_digest(planted: Path) -> None:
    manifest = read_manifest(planted)
    manifest = manifest.with_rows(manifest.rows[::2])
    first, again = audit_manifest(manifest), audit_manifest(manifest)
    assert first.digest == again.digest
    assert replace(first, seconds=0) == replace(again, seconds=0)


def test_safe_groups_make_a_split_without_leaks(planted: Path, tmp_path: Path) -> None:
    manifest = read_manifest(planted)
    write_rows(with_safe_groups(manifest, audit_manifest(manifest).pairs), tmp_path / "safe.csv")
    safe = read_manifest(tmp_path / "safe.csv")
    split = build_split(safe, test=0.3, validation=0.2)
    assert split.grouped_by == ("patient_id", "leak_group")
    assert check_split(safe, split) == ()


def test_blank_and_unreadable_scans_are_faults(tmp_path: Path) -> None:
    rows = write_cohort(tmp_path, 4)
    Image.new("L", (30, 30), 7).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    report = audit_manifest(read_manifest(write_manifest(tmp_path / "m.csv", rows)))
    assert [(fault.row, fault.code[:1]) for fault in report.faults] == [(2, "W"), (3, "E")]
    assert report.scan_count == 4


def subset_of_brain(count: int) -> tuple[object, dict[int, str]]:
    """Take whole reference groups of the brain set until there are `count` scans."""
    manifest = read_manifest(shared("data/brain_mri/manifest.csv"))
    groups = defaultdict(list)
    for row in manifest.rows:
        groups[row.patient_id].append(row)
    several = [rows for rows in groups.values() if len(rows) > 1]
    chosen = [row for rows in several[:: max(1, 2 * len(several) // count)] for row in rows][:count]
    return manifest.with_rows(chosen), {row.number: row.patient_id for row in chosen}


@pytest.mark.shared
def test_known_copies_of_the_brain_set_are_found() -> None:
    manifest, group = subset_of_brain(60)
    report = audit_manifest(manifest)
    found = {frozenset((group[pair.first], group[pair.second])) for pair in report.pairs}
    wanted = {name for name in group.values() if list(group.values()).count(name) > 1}
    hit = {name for name in wanted if frozenset((name,)) in found}
    assert len(hit) >= 0.95 * len(wanted)
