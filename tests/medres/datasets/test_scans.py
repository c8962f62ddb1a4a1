"""Every row is read once; what cannot be read becomes a fault."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from medres.datasets import scans
from medres.datasets.manifest import read_manifest
from medres.datasets.scans import read_scans
from tests.medres.datasets.pictures import textured, write_cohort, write_manifest


def test_rows_become_digests_planes_and_facts(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 3)))
    found = read_scans(manifest)
    assert [scan.number for scan in found] == [2, 3, 4]
    assert len({scan.digest for scan in found}) == 3
    assert found[0].facts["columns"] == 96
    assert found[0].facts["border black"] == 1.0


def test_unreadable_scans_are_faults_with_their_row(tmp_path: Path) -> None:
    rows = write_cohort(tmp_path, 3)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:200])
    (tmp_path / "2.png").write_text("no picture")
    found = read_scans(read_manifest(write_manifest(tmp_path / "m.csv", rows)))
    assert [bool(scan.code) for scan in found] == [False, True, True]
    assert found[1].code == "E_TRUNCATED"
    assert "1.png" not in found[1].message


def test_several_processes_give_the_same(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 20)))
    done = []
    parallel = read_scans(manifest, workers=2, on_progress=lambda n, total: done.append((n, total)))
    assert [scan.digest for scan in parallel] == [scan.digest for scan in read_scans(manifest)]
    assert done[-1] == (20, 20)


def test_a_scan_that_kills_its_process_costs_only_itself(tmp_path: Path, monkeypatch: object) -> None:
    real = scans.read_scan

    def deadly(manifest: object, row: object) -> object:
        if row.number == 7:
            os._exit(9)
        return real(manifest, row)

    monkeypatch.setattr(scans, "read_scan", deadly)
    manifest = read_manifest(write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 20)))
    found = read_scans(manifest, workers=2)
    assert [scan.number for scan in found if scan.code] == [7]
    assert found[5].code == "E_WORKER_DIED"


def test_padding_is_measured_on_each_side(tmp_path: Path) -> None:
    picture = np.zeros((50, 100), np.uint8)
    picture[10:45, 20:100] = np.random.default_rng(0).integers(50, 255, (35, 80))
    Image.fromarray(picture).save(tmp_path / "0.png")
    facts = read_scans(read_manifest(write_manifest(tmp_path / "m.csv", [("0.png", "a")])))[0].facts
    sides = {name: round(facts[f"padding {name}"], 2) for name in ("left", "right", "top", "bottom")}
    assert sides == {"left": 0.2, "right": 0.0, "top": 0.2, "bottom": 0.1}


def test_burned_in_letters_and_lossy_files_are_facts(tmp_path: Path) -> None:
    textured(0, 120).save(tmp_path / "plain.png")
    lettered = textured(0, 120)
    ImageDraw.Draw(lettered).text((8, 8), "L", fill=255)
    lettered.save(tmp_path / "lettered.png")
    textured(0, 120).save(tmp_path / "lossy.jpg")
    rows = [(name, "a") for name in ("plain.png", "lettered.png", "lossy.jpg")]
    plain, marked, lossy = read_scans(read_manifest(write_manifest(tmp_path / "m.csv", rows)))
    assert plain.facts["sharp marks"] < marked.facts["sharp marks"]
    assert "W_LOSSY" not in plain.facts
    assert lossy.facts["W_LOSSY"] == 1
