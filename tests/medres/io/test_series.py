"""Series and Inventory: frozen rows without voxels."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from medres.io import find_series
from tests.phantoms_dicom import save_ct


def test_a_series_counts_its_files_and_is_frozen(tmp_path: Path) -> None:
    save_ct(tmp_path)
    series = find_series(tmp_path).series[0]
    assert series.file_count == len(series.paths) == 9
    with pytest.raises(FrozenInstanceError):
        series.key = "other"  # type: ignore[misc]


def test_every_file_stands_in_exactly_one_list(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    (tmp_path / "text").write_text("no scan")
    inventory = find_series(tmp_path)
    used = [path for one in inventory.series for path in one.paths]
    skipped = [one.path for one in inventory.skipped]
    assert sorted([*used, *skipped]) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [field.name for field in fields(inventory)] == ["series", "skipped"]
