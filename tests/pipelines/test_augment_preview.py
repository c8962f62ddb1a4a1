"""`medres augment-preview`: a sheet as a training would vary its scans; the same seed draws the same sheet."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from medres.datasets.manifest import read_manifest
from pipelines.augment_preview import spread_rows
from tests.medres.training import cohorts
from tests.pipelines.program import medres

CHANGES = 'flips = ["i"]\nscale = 0.1\nnoise = 0.05\nmixup = 0.4\n'


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview")
    cohorts.write_cohort(folder / "scans", 6)
    before = cohorts.TOML.split("[augmentation]")[0]
    (folder / "tiny.toml").write_text(before + "[augmentation]\n" + CHANGES)
    return folder


def arguments(work, out, *more):
    return ("augment-preview", work / "tiny.toml", "--manifest", work / "scans" / "manifest.csv", "--out", out, *more)


def test_a_sheet_has_a_row_for_each_scan_and_each_change(work, tmp_path):
    done = medres(*arguments(work, tmp_path / "a.png", "--scans", 3, "--variants", 2))
    assert done.returncode == 0, done.stderr
    assert "3 scans, 2 variants of each" in done.stdout
    fewer = medres(*arguments(work, tmp_path / "b.png", "--scans", 1, "--variants", 2))
    assert fewer.returncode == 0
    heights = [Image.open(io.BytesIO((tmp_path / name).read_bytes())).height for name in ("a.png", "b.png")]
    assert heights[0] > heights[1]


def test_the_same_seed_draws_the_same_sheet(work, tmp_path):
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        medres(*arguments(work, tmp_path / name, "--scans", 1, "--variants", 2, "--seed", seed))
    first, again, other = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again
    assert first != other


def test_rows_are_taken_from_labels_in_turn(work):
    rows = spread_rows(read_manifest(work / "scans" / "manifest.csv").rows, 4, seed=0)
    assert sorted(row.label for row in rows) == ["healthy", "healthy", "lesion", "lesion"]


@pytest.mark.parametrize(("option", "value"), [("--strength", 2), ("--scans", 0)])
def test_reject_a_dial_beyond_its_range_and_no_scans(work, tmp_path, option, value):
    done = medres(*arguments(work, tmp_path / "a.png", option, value))
    assert done.returncode == 2
    assert "E_USAGE" in done.stderr
    assert str(value) in done.stderr


def test_no_other_file_is_written_over(work):
    before = (work / "tiny.toml").read_bytes()
    done = medres(*arguments(work, work / "tiny.toml"))
    assert done.returncode == 2
    assert done.stderr.startswith("E_USAGE: --out must name a file that ends in .png, got '.toml' - such as")
    assert (work / "tiny.toml").read_bytes() == before
