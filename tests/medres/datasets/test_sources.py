"""Class folders and label tables become rows; patients become keyed pseudonyms."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.sources import gather_class_folders, gather_with_table
from medres.errors import DatasetError
from tests.medres.datasets.pictures import textured
from tests.medres.datasets.test_masks import ct_slices


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "config"))


def studies(folder: Path) -> list[str]:
    """Write two CT studies of two patients; give their StudyInstanceUIDs."""
    uids = []
    for patient in ("MRN-778812", "MRN-2"):
        slices = ct_slices(folder)
        for number, ds in enumerate(slices):
            ds.PatientID = patient
            place = folder / patient[-2:] / f"{number}.dcm"
            place.parent.mkdir(parents=True, exist_ok=True)
            ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.save_as(place, enforce_file_format=True)
        uids.append(slices[0].StudyInstanceUID)
    return uids


def test_train_and_test_folders_become_a_split_column(tmp_path: Path) -> None:
    for part in ("Training", "Testing"):
        for label in ("glioma", "notumor"):
            (tmp_path / "s" / part / label).mkdir(parents=True)
            textured(len(part + label), 32).save(tmp_path / "s" / part / label / "1.png")
    rows = gather_class_folders(tmp_path / "s", tmp_path, modality="MR").manifest.rows
    assert {(row.extra["split"], row.label) for row in rows} == {
        (part, label) for part in ("train", "test") for label in ("glioma", "notumor")
    }


@pytest.mark.parametrize("column", ["patient_id", "study"])
def test_dicom_studies_meet_their_labels_and_keep_no_identifier(tmp_path: Path, column: str) -> None:
    uids = studies(tmp_path / "dicom")
    names = ("MRN-778812", "MRN-2") if column == "patient_id" else uids
    (tmp_path / "t.csv").write_text(
        f"{column},label,age\n{names[0]},malignant,61\n{names[1]},benign,44\nother,benign,1\n"
    )
    gathered = gather_with_table(tmp_path / "dicom", tmp_path / "t.csv", tmp_path)
    rows = gathered.manifest.rows
    assert sorted((row.label, row.value("age"), row.modality) for row in rows) == [
        ("benign", "44", "CT"),
        ("malignant", "61", "CT"),
    ]
    assert len({row.patient_id for row in rows}) == 2
    assert "MRN" not in str([(row.patient_id, row.extra) for row in rows])
    assert "row 4" in gathered.notes[-1]


def test_the_patient_of_the_table_goes_before_the_one_of_the_header(tmp_path: Path) -> None:
    uids = studies(tmp_path / "dicom")
    (tmp_path / "t.csv").write_text(f"study,patient_id,label\n{uids[0]},same,benign\n{uids[1]},same,malignant\n")
    gathered = gather_with_table(tmp_path / "dicom", tmp_path / "t.csv", tmp_path)
    assert len({row.patient_id for row in gathered.manifest.rows}) == 1
    assert any(note.startswith("2 scans have another patient") for note in gathered.notes)


def pictures(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        textured(number, 32).save(folder / name)


def test_columns_that_may_name_somebody_stay_behind_and_that_is_said(tmp_path: Path) -> None:
    pictures(tmp_path / "s", ["1.png", "2.png"])
    header = "path,label,sex,MRN,Study Date,birth_date,PatientName,SeriesInstanceUID"
    (tmp_path / "t.csv").write_text(f"{header}\n1.png,a,F,778812,20200101,19500101,Doe^Jane,1.2.3\n2.png,b,M,1,,,,\n")
    gathered = gather_with_table(tmp_path / "s", tmp_path / "t.csv", tmp_path, modality="US")
    assert {name for row in gathered.manifest.rows for name in row.extra} == {"sex", "key_fingerprint"}
    assert "left out: MRN, Study Date, birth_date, PatientName, SeriesInstanceUID" in gathered.notes[-1]


def test_paths_of_a_table_are_taken_as_people_write_them(tmp_path: Path) -> None:
    pictures(tmp_path / "s", [f"a/{number}.png" for number in range(4)])
    written = ["a\\0.png", "./a/1.png", "a/../a/2.png", str(tmp_path / "s/a/3.png")]
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{path},x\n" for path in written))
    gathered = gather_with_table(tmp_path / "s", tmp_path / "t.csv", tmp_path, modality="US")
    assert len(gathered.manifest.rows) == 4
    assert not gathered.refusals


def test_refused_scans_are_named_by_the_number_of_their_file(tmp_path: Path) -> None:
    pictures(tmp_path / "s", ["a/1.png", "a/3.png", "b/1.png", "b/3.png"])
    (tmp_path / "s/a/2.png").write_bytes((tmp_path / "s/a/1.png").read_bytes()[:150])
    (tmp_path / "s/b/notes.txt").write_text("x")
    refusals = gather_class_folders(tmp_path / "s", tmp_path, modality="US").refusals
    assert [(refusal.number, refusal.code) for refusal in refusals] == [(2, "E_TRUNCATED"), (6, "W_SKIPPED_FILES")]


def test_segmentations_beside_their_scans_are_no_scans(tmp_path: Path) -> None:
    names = ["1.png", "1_mask.png", "2.png", "2_mask.png", "2_mask_1.png", "3.png"]
    pictures(tmp_path / "s", [f"{label}/{label} {name}" for label in ("a", "b") for name in names])
    gathered = gather_class_folders(tmp_path / "s", tmp_path, modality="US")
    masks = [row.mask_path and row.mask_path.as_posix() for row in gathered.manifest.rows]
    assert masks == ["s/a/a 1_mask.png", None, None, "s/b/b 1_mask.png", None, None]
    assert any(note.startswith("6 files are taken for segmentations") for note in gathered.notes)
    assert any(note.startswith("2 scans have several") for note in gathered.notes)


def test_scan_that_no_row_names_is_refused_apart(tmp_path: Path) -> None:
    studies(tmp_path / "dicom")
    (tmp_path / "t.csv").write_text("patient_id,label\nMRN-2,benign\n")
    gathered = gather_with_table(tmp_path / "dicom", tmp_path / "t.csv", tmp_path)
    assert [refusal.code for refusal in gathered.refusals] == ["E_MANIFEST_LABEL"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name,label\nx,y\n", "E_MANIFEST_COLUMN"),
        ("patient_id,label\nx,\n", "E_MANIFEST_LABEL"),
        ("patient_id,label\nx,a\nx,b\n", "E_MANIFEST_DUPLICATE"),
    ],
)
def test_refuse_tables_that_cannot_be_used(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DatasetError, match=code):
        gather_with_table(tmp_path, tmp_path / "t.csv", tmp_path)
