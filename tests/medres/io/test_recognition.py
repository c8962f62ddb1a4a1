"""First bytes: what a file is, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.io.header import NotAScanError
from medres.io.recognition import recognise
from tests.series_verdicts import only


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (bytes(128) + b"DICM", "dicom"),
        (b"MZ" + bytes(126) + b"DICM", "dicom"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + bytes(90), "dicom"),
        (b"\x08\x00\x00\x00\x04\x00\x00\x00" + bytes(90), "dicom"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(90), "picture"),
        (b"II*\0" + bytes(90), "picture"),
        (bytes(344) + b"n+1\0", "nifti"),
        (bytes(4) + b"n+2\0\r\n\x1a\n" + bytes(532), "nifti"),
    ],
)
def test_tell_scans_by_their_first_bytes(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "anything"
    path.write_bytes(head)
    assert recognise(head, path) == kind


@pytest.mark.parametrize(
    "head", [b"", b"PK\3\4" + bytes(90), b"hello", b"\x08\x00", bytes(400), b"\x1f\x8b" + bytes(90)]
)
def test_skip_everything_else(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "anything.dcm"
    path.write_bytes(head)
    with pytest.raises(NotAScanError):
        recognise(head, path)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"PK\3\4" + bytes(90), "a zip archive"),
        (b"\x1f\x8b" + bytes(90), "a gzip archive, which is not looked into"),
        (bytes(257) + b"ustar" + bytes(90), "a tar archive"),
        (b"%PDF-1.4" + bytes(90), "a PDF document"),
        (b"GIF89a" + bytes(90), "save the picture that is meant as PNG"),
        (b"M\xfcller: see report\r\n", "text"),
        (bytes(400), "unknown content"),
    ],
)
def test_say_what_was_skipped(tmp_path: Path, head: bytes, words: str) -> None:
    path = tmp_path / "anything"
    path.write_bytes(head)
    with pytest.raises(NotAScanError, match=words):
        recognise(head, path)


@pytest.mark.parametrize("head", [b"\x5c\x01\0\0" + bytes(90), b"\x1f\x8b\x08" + bytes(20), bytes(400), b"hello"])
@pytest.mark.parametrize("name", ["x.nii", "X.NII.GZ"])
def test_never_skip_what_calls_itself_nifti(tmp_path: Path, head: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    assert recognise(head, path) == "nifti"
    series = only(tmp_path)
    assert series.verdict == "refused"
    assert series.codes[0] in ("E_TRUNCATED", "E_NIFTI_HEADER")
