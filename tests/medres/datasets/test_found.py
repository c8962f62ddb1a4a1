"""Every scan under a folder is found, read once, and described for comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.found import find_scans
from tests.medres.datasets.pictures import textured
from tests.medres.datasets.test_masks import ct_slices


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "config"))


def test_series_that_share_a_folder_have_keys_and_descriptions(tmp_path: Path) -> None:
    for name in ("T1 post GD", "FLAIR"):
        for number, ds in enumerate(ct_slices(tmp_path / "one")):
            ds.SeriesDescription = name
            ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            (tmp_path / "one").mkdir(exist_ok=True)
            ds.save_as(tmp_path / "one" / f"{name[:2]}{number}.dcm", enforce_file_format=True)
    found = list(find_scans(tmp_path / "one", tmp_path))
    assert sorted(one.description.split(" ")[0] for one in found) == ["FLAIR", "T1"]
    assert len({one.series for one in found} - {""}) == 2
    assert {one.path for one in found} == {Path("one")}


def test_files_that_cannot_be_read_are_told_with_a_code(tmp_path: Path) -> None:
    textured(1, 32).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:100])
    codes = {one.description: one.code for one in find_scans(tmp_path, tmp_path, "US")}
    assert codes["good.png"] == ""
    assert len(codes) == 2
    assert sorted(codes.values())[1].startswith("E_")
