"""Pairs are kept for the same rows and files, and for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from medres.datasets import audit
from medres.datasets.audit import check_split
from medres.datasets.kept_pairs import MOST_KEPT, find_kept, keep_pairs
from medres.datasets.leaks import Pair
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split_file import split_from_column
from tests.medres.datasets.pictures import textured, write_cohort, write_manifest

PAIR = Pair(3, 5, "near", 0.95, "mirrored", ("benign", "malignant"), channels=("t1c", "flair"))


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 6)))


def test_kept_pairs_come_back_for_rows_in_any_order(manifest: Manifest, tmp_path: Path) -> None:
    keep_pairs(tmp_path / "kept", manifest, [PAIR])
    assert find_kept(tmp_path / "kept", manifest) == (PAIR,)
    lines = (tmp_path / "m.csv").read_text().splitlines()
    (tmp_path / "turned.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    (pair,) = find_kept(tmp_path / "kept", read_manifest(tmp_path / "turned.csv"))
    assert (pair.first, pair.second, pair.labels, pair.channels) == (4, 6, PAIR.labels[::-1], PAIR.channels[::-1])


def test_a_file_written_since_finds_nothing_kept(manifest: Manifest, tmp_path: Path) -> None:
    keep_pairs(tmp_path / "kept", manifest, [PAIR])
    textured(99).save(tmp_path / "0.png")
    assert find_kept(tmp_path / "kept", manifest) is None


def test_other_rows_or_a_broken_file_find_nothing_kept(manifest: Manifest, tmp_path: Path) -> None:
    keep_pairs(tmp_path / "kept", manifest, [PAIR])
    assert find_kept(tmp_path / "kept", manifest.with_rows(manifest.rows[1:])) is None
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_text('[{"first": 1}]')
    assert find_kept(tmp_path / "kept", manifest) is None


def test_the_oldest_go_first(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    for number in range(MOST_KEPT):
        (tmp_path / f"kept/{number}.json").write_text("[]")
        os.utime(tmp_path / f"kept/{number}.json", (number, number))
    keep_pairs(tmp_path / "kept", manifest, [])
    assert len(list((tmp_path / "kept").iterdir())) == MOST_KEPT
    assert not (tmp_path / "kept/0.json").exists()


def test_second_check_of_a_split_reads_no_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = write_cohort(tmp_path, 5)
    Image.open(tmp_path / "1.png").save(tmp_path / "twin.bmp.png", compress_level=1)
    path = write_manifest(tmp_path / "m.csv", [*rows, ("twin.bmp.png", "benign")], ["train"] * 4 + ["test"] * 2)
    manifest = read_manifest(path)
    split = split_from_column(manifest)
    first = check_split(manifest, split, kept=tmp_path / "kept")
    monkeypatch.setattr(audit, "read_scans", None)
    assert [leak.name for leak in first] == ["exact:train/test"]
    assert check_split(manifest, split, kept=tmp_path / "kept") == first
