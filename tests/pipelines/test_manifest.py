"""`medres manifest` from what people have."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.manifest import read_manifest
from medres.errors import DatasetError, IntakeError
from pipelines import manifest
from tests.medres.datasets.pictures import textured


def test_folder_per_class_becomes_a_manifest_and_refusals_stand_apart(tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / "scans" / ("benign" if number % 2 else "malignant") / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        textured(number, 32).save(place)
    (tmp_path / "scans/benign/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert manifest.run(tmp_path / "scans", tmp_path / "m.csv", modality="US") == 3
    read = read_manifest(tmp_path / "m.csv")
    assert read.label_names == ("benign", "malignant")
    assert len({row.patient_id for row in read.rows}) == 6
    refused = (tmp_path / "m_refused.csv").read_text()
    assert "E_" in refused
    assert "broken" not in refused.replace("is broken", "")


def test_nothing_there_and_no_classes_are_said(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="E_NOT_FOUND"):
        manifest.run(tmp_path / "gone", tmp_path / "m.csv")
    (tmp_path / "one/only").mkdir(parents=True)
    with pytest.raises(DatasetError, match="E_MANIFEST_LABEL"):
        manifest.run(tmp_path / "one", tmp_path / "m.csv")
