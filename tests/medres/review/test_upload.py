"""Uploads: real ones are kept under numbers, hostile ones leave nothing."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from medres.errors import IntakeError
from medres.io import find_series
from medres.io.nifti_writing import write_volume
from medres.review.upload import Received, receive
from tests.phantoms_dicom import save_ct
from tests.tiny_models import ct_volume

HOSTILE_NAMES = [
    "../../etc/passwd.nii",
    "/etc/cron.d/x.nii",
    "C:\\x\\y.nii",
    "a\0b.nii",
    "Doe^Jane.nii",
    "x" * 5000 + ".nii",
]


def zipped(entries: dict[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    made.seek(0)
    return made


@pytest.fixture
def nifti(tmp_path) -> bytes:
    write_volume(ct_volume(0), tmp_path / "a.nii")
    return (tmp_path / "a.nii").read_bytes()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_never_a_path(tmp_path, nifti, name):
    place = tmp_path / "uploads"
    place.mkdir()
    assert receive([(name, io.BytesIO(nifti))], place / "1") == Received(1)
    assert [path.name for path in place.rglob("*") if path.is_file()] == ["000001.nii"]
    assert stat.S_IMODE((place / "1").stat().st_mode) == 0o700
    assert len(find_series(place / "1").series) == 1


def test_a_zip_of_a_dicom_series_becomes_one_series(tmp_path):
    save_ct(tmp_path / "ct")
    files = {f"Doe^Jane/{path.name}": path.read_bytes() for path in (tmp_path / "ct").iterdir()}
    assert receive([("study.zip", zipped(files))], tmp_path / "1").files == len(files)
    assert [series.verdict for series in find_series(tmp_path / "1").series] == ["ok"]
    assert not any("Doe" in str(path) for path in (tmp_path / "1").rglob("*"))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.nii", b"MZ" + bytes(300), "E_UPLOAD"),
        ("a.dcm", b"\x7fELF" + bytes(300), "E_UPLOAD"),
        ("a.dcm", b"#!/bin/sh\n", "E_UPLOAD"),
        ("a.exe", b"hello", "E_UPLOAD"),
        ("a.nii", b"", "E_UPLOAD"),
        ("a.zip", b"PK\x03\x04 broken", "E_ARCHIVE"),
    ],
)
def test_reject_what_is_no_scan_and_leave_nothing(tmp_path, name, content, code):
    with pytest.raises(IntakeError, match=code):
        receive([(name, io.BytesIO(content))], tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "entries",
    [{"../a.dcm": b"x"}, {"/a.dcm": b"x"}, {"a.dcm": bytes(50_000_000)}, {"a/run.dcm": b"MZ" + bytes(100)}],
)
def test_reject_archives_that_leave_their_folder_burst_or_carry_programs(tmp_path, entries):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    made.seek(0)
    with pytest.raises(IntakeError, match=r"E_ARCHIVE|E_UPLOAD"):
        receive([("a.zip", made)], tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_reject_an_upload_over_the_limit(tmp_path, nifti):
    with pytest.raises(IntakeError, match="may have 100 bytes"):
        receive([("a.nii", io.BytesIO(nifti))], tmp_path / "1", largest=100)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.nii"]


def test_the_files_of_a_folder_become_its_series_and_notes_beside_them_are_left_out(tmp_path):
    save_ct(tmp_path / "ct")
    files = [(f"Doe^Jane/{path.stem}", io.BytesIO(path.read_bytes())) for path in (tmp_path / "ct").iterdir()]
    received = receive([*files, ("../notes.txt", io.BytesIO(b"hello"))], tmp_path / "1")
    assert received == Received(len(files), left_out=1)
    assert [series.verdict for series in find_series(tmp_path / "1").series] == ["ok"]
    assert not any("Doe" in str(path) for path in (tmp_path / "1").rglob("*"))


def test_one_program_among_many_files_refuses_them_all(tmp_path, nifti):
    with pytest.raises(IntakeError, match="a program's"):
        receive([("a.nii", io.BytesIO(nifti)), ("b.nii", io.BytesIO(b"MZ" + bytes(300)))], tmp_path / "1")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.nii"]


def test_the_limit_holds_for_all_files_together(tmp_path, nifti):
    given = [("a.nii", io.BytesIO(nifti)) for _ in range(3)]
    with pytest.raises(IntakeError, match="got more"):
        receive(given, tmp_path / "1", largest=2 * len(nifti) + 10)
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize("given", [[], [("a.txt", io.BytesIO(b"x")), ("b.txt", io.BytesIO(b"y"))]])
def test_reject_an_upload_without_a_scan(tmp_path, given):
    with pytest.raises(IntakeError, match="E_UPLOAD"):
        receive(given, tmp_path / "1")
