"""Manifests as people write them: read, refused with rows by number, written and read again."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from medres.datasets.manifest import read_manifest, relative_path, write_manifest
from medres.errors import DatasetError, StoreError
from tests.shared_data import shared

HEADER = "patient_id,path,label\n"
ROWS = "p1,a.png,benign\np2,b.png,malignant\np2,c.png,malignant\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png", "sub/d.png", "t1.nii", "t2.nii"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def put(folder: Path, text: str | bytes) -> Path:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, **options: object) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        read_manifest(path, **options)
    return caught.value


def test_read_rows_with_their_numbers(folder: Path) -> None:
    manifest = read_manifest(put(folder, HEADER + ROWS))
    assert [(r.number, r.patient_id, r.key, r.label) for r in manifest.rows][1] == (3, "p2", "b.png", "malignant")
    assert manifest.label_names == ("benign", "malignant")
    assert manifest.path(manifest.rows[0]) == folder / "a.png"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b",", b";"),
        lambda text: text.replace(b",", b"\t"),
        lambda text: text.replace(b"a.png", b".\\a.png"),
        lambda text: text.replace(b",", b" , "),
        lambda text: text + b"\r\n\r\n,,\r\n",
    ],
    ids=["bom", "crlf", "cr", "semicolon", "tab", "backslash", "spaces", "empty lines"],
)
def test_same_digest_however_it_was_saved(folder: Path, change: object) -> None:
    plain = read_manifest(put(folder, HEADER + ROWS)).digest
    assert read_manifest(put(folder, change((HEADER + ROWS).encode()))).digest == plain


def test_digest_does_not_follow_the_order_of_rows_but_every_cell(folder: Path) -> None:
    plain = read_manifest(put(folder, HEADER + ROWS)).digest
    lines = ROWS.splitlines()
    assert read_manifest(put(folder, HEADER + "\n".join(lines[::-1]))).digest == plain
    assert read_manifest(put(folder, HEADER + ROWS.replace("p1", "p3"))).digest != plain


def test_channels_of_one_study_stand_in_one_row(folder: Path) -> None:
    text = "patient_id,path_t1c,path_flair,label,age\np1,t1.nii,t2.nii,tumour,61\n"
    row = read_manifest(put(folder, text)).rows[0]
    assert {name: path.as_posix() for name, path in row.paths.items()} == {"t1c": "t1.nii", "flair": "t2.nii"}
    assert row.key == "t1.nii"
    assert row.value("age") == "61"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "E_MANIFEST_EMPTY", "nothing"),
        (HEADER, "E_MANIFEST_EMPTY", "0"),
        ("patient_id,path\np1,a.png\n", "E_MANIFEST_COLUMN", "label"),
        ("path,label\na.png,benign\n", "E_MANIFEST_COLUMN", "patient_id"),
        ("patient_id,label\np1,benign\n", "E_MANIFEST_COLUMN", "path"),
        ("patient_id,path,path_t1,label\np1,a.png,b.png,x\n", "E_MANIFEST_COLUMN", "both"),
        ("patient_id,path,label,label\np1,a.png,x,x\n", "E_MANIFEST_COLUMN", "twice"),
        (HEADER + "p1,a.png\n", "E_MANIFEST_FORMAT", "row 2"),
        (HEADER + 'p1,"a.png,benign\n', "E_MANIFEST_FORMAT", "quotes"),
        (HEADER.encode() + b"p1,a\xff\xfe.png,benign\n", "E_MANIFEST_FORMAT", "row 2"),
        ((HEADER + ROWS).encode("utf-16"), "E_MANIFEST_FORMAT", "zero bytes"),
        (HEADER + ",a.png,benign\n", "E_MANIFEST_FORMAT", "patient_id"),
        (HEADER + "p1,,benign\n", "E_MANIFEST_FILE", "row 2"),
        (HEADER + ROWS + "p9,gone.png,benign\np9,lost.png,benign\n", "E_MANIFEST_FILE", "2 missing: rows 5, 6"),
        (HEADER + "p1,C:\\scans\\a.png,benign\n", "E_MANIFEST_FILE", "row 2"),
        (HEADER + ROWS + "p1,./a.png,benign\n", "E_MANIFEST_DUPLICATE", "rows 2, 5"),
        (HEADER + "p1,sub\\d.png,benign\np1,sub/d.png,benign\n", "E_MANIFEST_DUPLICATE", "rows 2, 3"),
        (HEADER + ROWS + "p1,sub/d.png,\n", "E_MANIFEST_LABEL", "row 5"),
        (HEADER.strip() + ",spacing_known\np1,a.png,benign,maybe\n", "E_MANIFEST_FORMAT", "spacing_known"),
    ],
)
def test_refuse_bad_input_with_rows_by_number_and_cure(folder: Path, text: str, code: str, says: str) -> None:
    error = refused(put(folder, text))
    assert error.code == code
    assert says in error.what
    assert error.cure
    assert "p1" not in str(error)
    assert "a.png" not in str(error)


def test_refuse_label_that_the_configuration_does_not_name(folder: Path) -> None:
    error = refused(put(folder, HEADER + ROWS), labels=("benign", "cancer"))
    assert error.code == "E_MANIFEST_LABEL"
    assert "rows 3, 4" in error.what
    assert "benign, cancer" in error.what


def test_refuse_empty_class_that_the_configuration_names(folder: Path) -> None:
    error = refused(put(folder, HEADER + ROWS), labels=("benign", "malignant", "normal"))
    assert error.code == "E_MANIFEST_LABEL"
    assert "0 of normal" in error.what


def test_refuse_patient_with_two_labels_where_that_cannot_be(folder: Path) -> None:
    path = put(folder, HEADER + ROWS + "p1,sub/d.png,malignant\n")
    assert len(read_manifest(path).rows) == 4
    error = refused(path, labels_per="patient")
    assert error.code == "E_PATIENT_LABELS"
    assert "rows 2, 5" in error.what


def test_absolute_path_becomes_relative(folder: Path) -> None:
    row = read_manifest(put(folder, HEADER + f"p1,{folder / 'sub/d.png'},benign\n")).rows[0]
    assert row.key == "sub/d.png"
    assert relative_path("../other/x.png", folder).as_posix() == "../other/x.png"


def test_write_and_read_again_in_another_folder(folder: Path, tmp_path: Path) -> None:
    text = 'patient_id,path,label,modality,spacing_known,site,note\np1,sub/d.png,benign,US,no,A,"x, y"\n'
    manifest = read_manifest(put(folder, text))
    write_manifest(manifest, tmp_path / "deep/er/copy.csv")
    again = read_manifest(tmp_path / "deep/er/copy.csv")
    assert again.path(again.rows[0]).resolve() == folder / "sub/d.png"
    assert again.rows[0].extra == {"note": "x, y"}
    assert not again.rows[0].spacing_known
    assert stat.S_IMODE((tmp_path / "deep/er/copy.csv").stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    manifest = read_manifest(put(folder, HEADER + ROWS))
    with pytest.raises(StoreError, match="E_WRITE"):
        write_manifest(manifest, folder / "a.png/out.csv")
    assert not list(folder.glob(".medres-*"))


def test_hundred_thousand_rows_in_seconds(folder: Path) -> None:
    rows = "".join(f"p{n // 3},scans/{n}.png,{'abc'[n % 3]}\n" for n in range(100_000))
    path = put(folder, HEADER + rows)
    start = time.perf_counter()
    manifest = read_manifest(path, check_files=False)
    assert len(manifest.digest) == 64
    assert time.perf_counter() - start < 20
    assert "100000 missing: rows 2, 3" in refused(path).what


@pytest.mark.parametrize("name", ["lung_nodules", "breast_ultrasound"])
def test_read_the_real_manifests(name: str) -> None:
    manifest = read_manifest(shared(f"data/{name}/manifest.csv"))
    assert len(manifest.rows) == {"lung_nodules": 700, "breast_ultrasound": 636}[name]
    assert not manifest.rows[0].spacing_known


def test_lesion_points_are_read_moved_and_missed_by_row(folder: Path) -> None:
    (folder / "sub/d.csv").write_text("x_ras_mm,y_ras_mm,z_ras_mm\n")
    text = "patient_id,path,label,points_path\np1,a.png,benign,\np2,b.png,malignant,sub\\d.csv\n"
    manifest = read_manifest(put(folder, text))
    assert manifest.points(manifest.rows[0]) is None
    assert manifest.points(manifest.rows[1]) == folder / "sub/d.csv"
    assert "points_path" not in manifest.rows[1].extra
    write_manifest(manifest, folder / "sub/moved.csv")
    moved = read_manifest(folder / "sub/moved.csv")
    assert moved.points(moved.rows[1]).resolve() == folder / "sub/d.csv"
    (folder / "sub/d.csv").unlink()
    assert "row 3" in str(refused(folder / "manifest.csv"))
