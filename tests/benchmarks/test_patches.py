"""The table of the patch benchmark says how many lesions were found, how near, and what a blind filter finds."""

from __future__ import annotations

import csv

from benchmarks.patches import COLUMNS, SCORED, make, show


def test_make_writes_phantoms_once_with_their_points(tmp_path):
    make(tmp_path, train=2, validation=0, held_out=0)
    rows = list(csv.DictReader((tmp_path / "train" / "manifest.csv").open()))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["label"], bool(row["points_path"])) for row in rows] == [("lesion", True), ("none", False)]
    written = (tmp_path / "train" / rows[0]["path"]).stat().st_mtime_ns
    make(tmp_path, train=2, validation=0, held_out=0)
    assert (tmp_path / "train" / rows[0]["path"]).stat().st_mtime_ns == written


def test_mixed_scans_are_named_by_their_labels_alone(tmp_path):
    make(tmp_path, train=2, validation=0, held_out=0, tiny=1, tiny_validation=1)
    rows = list(csv.DictReader((tmp_path / "mixed" / "manifest.csv").open()))
    assert [row["path"] for row in rows] == [
        f"../{name}.nii.gz" for name in ("train/p00000", "train/p00001", "tiny/p05000", "tiny/p05001")
    ]
    assert [row["split"] for row in rows] == ["train", "train", "train", "validation"]
    assert not any(row["points_path"] for row in rows)


def test_show_counts_lesions_found_and_false_places(tmp_path, capsys):
    lesion = {"label": "lesion", "places": 2, "first_mm": 1.5, "rank": 1, "false_places": 1, "blind_mm": 80.0}
    missed = lesion | {"first_mm": 40.0, "rank": "", "false_places": 2}
    healthy = {"label": "none", "places": 1, "first_mm": "", "rank": "", "false_places": 1, "blind_mm": ""}
    same = {"coverage": 1.0, "seconds": 20, "peak_gb": 1.5, "flagged_false": 0, "blind": 0.5}
    rows = [
        row | same | {"score": score} for row, score in ((lesion, 0.9), (missed, 0.8), (healthy, 0.1), (healthy, 0.2))
    ]
    with (tmp_path / "points.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, SCORED)
        table.writeheader()
        table.writerows(rows)
    show([tmp_path / "points.csv"])
    said = capsys.readouterr().out
    assert "points: 4 scans, 2 with a lesion; AUROC 1.000" in said
    assert "first place within 3 mm: 1 of 2" in said
    assert "false places a scan: 1.25, flagged 0.00" in said
    assert "blind filter: 4 scans" in said
    assert "within 3 mm: 0 of 2" in said
