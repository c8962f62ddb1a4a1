"""The checks of a manifest, each with rows by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.manifest_checks import check_duplicates, check_files_exist, check_labels, check_patient_labels
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import DatasetError

ROWS = tuple(ManifestRow(n, f"p{n // 2}", {"image": Path(f"{n}.png")}, "ab"[n % 2]) for n in range(2, 8))


@pytest.mark.parametrize(
    ("check", "code"),
    [(check_patient_labels, "E_PATIENT_LABELS"), (check_files_exist, "E_MANIFEST_FILE")],
)
def test_name_all_six_rows(check: object, code: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"{code}.*rows 2, 3, 4, 5, 6, 7"):
        check(Manifest(ROWS, tmp_path))


def test_refuse_the_same_scan_twice(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"E_MANIFEST_DUPLICATE.*row 2"):
        check_duplicates(Manifest((*ROWS, ROWS[0]), tmp_path))


def test_two_series_of_one_folder_are_two_scans(tmp_path: Path) -> None:
    rows = [ManifestRow(n, "p", {"image": Path("study")}, "a", extra={"series": f"s{n}"}) for n in (2, 3)]
    check_duplicates(Manifest(tuple(rows), tmp_path))
    assert rows[0].key == "study#s2"


def test_refuse_labels_outside_the_named_ones(tmp_path: Path) -> None:
    check_labels(Manifest(ROWS, tmp_path), ("a", "b"))
    with pytest.raises(DatasetError, match="rows 3, 5, 7"):
        check_labels(Manifest(ROWS, tmp_path), ("a",))
