"""Manifest as a frozen value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from medres.datasets.rows import Manifest, ManifestRow, row_cells

ROW = ManifestRow(
    2, "p", {"image": Path("a.png")}, "benign", "US", False, Path("m.png"), "A", {"sex": "F", "split": "x"}
)


def test_cells_say_everything_but_the_split() -> None:
    cells = row_cells(ROW)
    assert cells == {
        "patient_id": "p", "path": "a.png", "label": "benign", "modality": "US",
        "spacing_known": "no", "mask_path": "m.png", "site": "A", "sex": "F",
    }  # fmt: skip


def test_rows_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ROW.label = "malignant"


def test_keep_rows_of_some_labels() -> None:
    manifest = Manifest((ROW,), Path("/data"))
    assert manifest.with_labels(["malignant"]).rows == ()
    assert manifest.mask(ROW) == Path("/data/m.png")
    assert manifest.columns == ("sex", "split")


def test_columns_that_may_name_somebody_tell_nothing(tmp_path: Path) -> None:
    told = {"sex": "F", "MRN": "1", "study_date": "20200101", "candidate score": "1", "scanner": "A", "split": "train"}
    row = ManifestRow(2, "p", {"image": Path("1.png")}, "a", extra=told)
    assert Manifest((row,), tmp_path).telling_columns == ("modality", "site", "sex", "candidate score", "scanner")
