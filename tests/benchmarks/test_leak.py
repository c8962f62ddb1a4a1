"""Tests of benchmarks/leak.py: the published split, the rightness of a class, intervals by group."""

import csv
from pathlib import Path

import numpy as np

from benchmarks.leak import interval, make_split, read_right
from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import read_split


def test_published_split_keeps_its_test_part_and_holds_whole_groups_out(tmp_path: Path) -> None:
    rows = [(f"g{n // 2:02d}", f"{n}.png", "ab"[n // 2 % 2], "test" if n % 6 == 0 else "train") for n in range(80)]
    for row in rows:
        (tmp_path / row[1]).touch()
    with (tmp_path / "m.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("patient_id", "path", "label", "modality"), *((*row[:3], "MR") for row in rows)])
    with (tmp_path / "p.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label", "split"), *(row[1:] for row in rows)])
    make_split(tmp_path / "m.csv", tmp_path / "p.csv", tmp_path / "s.json")
    scans = read_manifest(tmp_path / "m.csv")
    parts = read_split(tmp_path / "s.json", scans, allow_leaks=True)
    assert set(parts.parts["test"]) == {row[1] for row in rows if row[3] == "test"}
    groups = {part: {row.patient_id for row in parts.rows(scans, part)} for part in ("train", "validation")}
    assert groups["validation"]
    assert not groups["train"] & groups["validation"]


def test_right_is_the_class_of_the_highest_probability(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("scan,label,probability_a,probability_b\n1,a,0.7,0.3\n2,a,0.4,0.6\n")
    assert read_right(table) == {"1": True, "2": False}


def test_interval_by_group_is_wider_than_by_picture() -> None:
    values = np.repeat(np.random.default_rng(0).random(20) > 0.3, 10).astype(float)
    once = np.ones(200)
    by_group = interval(values, np.repeat(np.arange(20), 10), once)
    by_picture = interval(values, np.arange(200), once)
    assert by_group[0] < by_picture[0] < values.mean() < by_picture[1] < by_group[1]


def test_difference_of_two_sides_is_first_minus_second() -> None:
    values = np.r_[np.ones(30), np.zeros(30)]
    assert interval(values, np.arange(60), np.repeat([1.0, -1.0], 30)) == (1.0, 1.0)
