"""What stands on two sides of a split, by row number."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.datasets.split_checks import check_parts, check_patients, disjoint_parts, find_patient_leaks
from medres.errors import DatasetError

ROWS = tuple(ManifestRow(n, f"p{n // 2}", {"image": Path(f"{n}.png")}, "a") for n in range(2, 8))
MANIFEST = Manifest(ROWS, Path("/nowhere"))


def split_of(**parts: tuple[int, ...]) -> Split:
    return Split({name: tuple(f"{n}.png" for n in numbers) for name, numbers in parts.items()}, MANIFEST.digest)


def test_patients_on_two_sides_are_named_by_row() -> None:
    leaking = split_of(train=(2, 3, 4), test=(5, 6, 7))
    assert find_patient_leaks(MANIFEST, leaking) == (("train/test", (4, 5)),)
    with pytest.raises(DatasetError, match=r"E_PATIENT_LEAK.*train and test: rows 4, 5"):
        check_patients(MANIFEST, leaking)


def test_a_clean_split_passes() -> None:
    check_patients(MANIFEST, split_of(train=(2, 3), validation=(4, 5), test=(6, 7)))
    check_parts(MANIFEST, split_of(train=(2, 3), validation=(4, 5), test=(6, 7)))


def test_scan_in_two_parts_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"E_PATIENT_LEAK.*row 3"):
        check_parts(MANIFEST, split_of(train=(2, 3), test=(3, 4)))


def test_unknown_key_is_refused() -> None:
    with pytest.raises(DatasetError, match="got 1 others"):
        check_parts(MANIFEST, split_of(train=(2, 99)))


def test_nested_folds_are_disjoint_within_their_fold() -> None:
    split = Split(
        {"fold_0": ("2.png",), "fold_0/inner_0": ("3.png",), "fold_0/inner_1": ("4.png", "5.png")}, "", kind="nested"
    )
    assert disjoint_parts(split)[1] == ["fold_0", "fold_0/inner_0", "fold_0/inner_1"]
    with pytest.raises(DatasetError, match="nested folds: rows 2, 3"):
        check_patients(MANIFEST, split)
