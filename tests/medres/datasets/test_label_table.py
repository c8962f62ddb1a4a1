"""The row of a table that names a scan is found, the finest column first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medres.datasets.found import Found
from medres.datasets.label_table import LabelTable
from medres.datasets.table import read_table
from medres.volume import Origin, Volume


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "config"))


def table(folder: Path, text: str) -> LabelTable:
    (folder / "t.csv").write_text(text)
    return LabelTable(read_table(folder / "t.csv"))


def scan(path: str, **origin: str) -> Found:
    return Found(Path(path), volume=Volume(np.zeros((2, 2, 2)), np.eye(4), "MR", origin=Origin(**origin)))


def test_series_goes_before_study(tmp_path: Path) -> None:
    labels = table(tmp_path, "series,study,label\n1.2,,fine\n,1.9,coarse\n")
    fine = labels.find(scan("a", series_instance_uid="1.2", study_instance_uid="1.9"))
    coarse = labels.find(scan("b", series_instance_uid="1.3", study_instance_uid="1.9"))
    assert fine is not None
    assert coarse is not None
    assert (fine.values["label"], fine.number, coarse.values["label"]) == ("fine", 2, "coarse")
    assert labels.find(scan("c")) is None


def test_path_columns_name_channels(tmp_path: Path) -> None:
    labels = table(tmp_path, "path_t1c,path_flair,label\na\\t1.nii.gz,a/flair.nii.gz,x\n")
    assert labels.channels == ("t1c", "flair")
    match = labels.find(scan("a/t1.nii.gz"))
    assert match is not None
    assert (match.number, match.channel) == (2, "t1c")
    assert labels.unused() == []


def test_own_columns_and_identifiers_are_not_carried_along(tmp_path: Path) -> None:
    labels = table(tmp_path, "path,patient_id,label,mask_path,site,age\na,MRN,x,m\\1.nii.gz,s1,61\n")
    match = labels.find(scan("a"))
    assert match is not None
    assert labels.extra(match.values) == {"age": "61"}
    assert labels.masks() == {"m/1.nii.gz"}
