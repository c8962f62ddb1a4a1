"""Tests of benchmarks/alone.py: size, area and brightness of volumes and pictures."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from benchmarks.alone import describe, run
from medres.datasets.split import build_split
from medres.datasets.split_file import write_split
from medres.volume import Volume
from tests.medres.training import cohorts


def make_volume(voxels):
    """A volume of one channel without a story."""
    return Volume(np.asarray(voxels, np.float32), np.eye(4), modality="CT")


def test_a_volume_is_described_by_what_lies_above_its_ground():
    voxels = np.zeros((4, 4, 3))
    voxels[:2, :2, 0] = 1
    voxels[:3, :2, 1] = 3
    found = describe(make_volume(voxels), ("size", "area", "brightness"), picture=False)
    inside = [1.0] * 4 + [3.0] * 6
    wanted = [np.log1p(10), np.log1p(6), np.mean(inside), np.std(inside), *np.percentile(inside, (75, 90))]
    assert found == pytest.approx(wanted)
    assert describe(make_volume(voxels), ("area",), picture=False) == pytest.approx([np.log1p(6)])


def test_an_even_volume_has_no_size():
    found = describe(make_volume(np.ones((2, 2, 2))), ("size", "area", "brightness"), picture=False)
    assert found == [0.0] * 6


def test_a_picture_is_described_by_its_sides_and_all_its_pixels():
    pixels = np.arange(6.0).reshape(3, 2, 1)
    assert describe(make_volume(pixels), ("size", "brightness"), picture=True) == pytest.approx(
        [3, 2, 2.5, pixels.std()]
    )


def test_each_fold_is_scored_by_a_regression_that_did_not_see_it(tmp_path):
    manifest = cohorts.write_cohort(tmp_path, 24)
    write_split(build_split(manifest, folds=3, seed=0), tmp_path / "split.json")
    run(tmp_path / "manifest.csv", tmp_path / "split.json", "lesion", "area,brightness", tmp_path / "out" / "table.csv")
    rows = list(csv.DictReader((tmp_path / "out" / "table.csv").open()))
    assert sorted({row["fold"] for row in rows}) == ["fold_0", "fold_1", "fold_2"]
    assert len({row["scan"] for row in rows}) == len(rows) == 24
    assert all(0 <= float(row["score"]) <= 1 for row in rows)


def test_reject_a_feature_that_is_none(tmp_path):
    with pytest.raises(SystemExit, match="--features must be among size, area, brightness, got colour"):
        run(tmp_path / "m.csv", tmp_path / "s.json", "lesion", "colour", tmp_path / "t.csv")


def test_reject_the_area_of_pictures(tmp_path):
    manifest = cohorts.write_pictures(tmp_path, 12)
    write_split(build_split(manifest, folds=2, seed=0), tmp_path / "split.json")
    with pytest.raises(SystemExit, match="--features area is of volumes, got pictures"):
        run(tmp_path / "manifest.csv", tmp_path / "split.json", "malignant", "area", tmp_path / "t.csv")
