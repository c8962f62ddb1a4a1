"""A scan full of names goes through every command at DEBUG: not one of them comes out again.

What is searched: stdout, stderr, log records, warnings, every file outside the internal stores, and the name of every
file that is written, temporary ones too. Inside the internal stores nothing but relative paths and pseudonyms may
stand.
"""

import gzip
import io
import logging
import re
import sqlite3
import sys
import warnings
import zipfile
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medres.io.nifti_writing import write_nifti
from tests import canary
from tests.pipelines.program import medres
from tests.small import save_tiny_model, spec_3d

INTERNAL = re.compile(r"ledger\.sqlite.*|.*\.lock|manifest\.csv|split\.json")
WRITING = ("w", "a", "x", "+")


class Writes:
    """Remembers the name of every file that this process opens for writing, while it is on."""

    def __init__(self):
        self.on, self.names = False, set()
        sys.addaudithook(self.see)

    def see(self, event, arguments):
        if self.on and event == "open" and isinstance(arguments[0], (str, bytes)):
            mode, flags = arguments[1] or "", arguments[2] or 0
            if any(sign in mode for sign in WRITING) or flags & 3:
                name = arguments[0]
                self.names.add(name.decode("utf-8", "replace") if isinstance(name, bytes) else name)
        if self.on and event in ("os.rename", "os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp"):
            self.names.update(str(argument) for argument in arguments if isinstance(argument, str))


WRITES = Writes()


@contextmanager
def everything_said(caplog):
    """Turn all logging on and catch warnings; give back what was logged, warned and written by name."""
    said = []
    WRITES.names.clear()
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        WRITES.on = True
        try:
            yield said
        finally:
            WRITES.on = False
    said += [record.getMessage() for record in caplog.records]
    said += [str(warning.message) for warning in caught]
    said += sorted(WRITES.names)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two canary series, a NIfTI file with a name in `descrip`, a broken file and a picture with EXIF; and a model."""
    root = tmp_path_factory.mktemp("place")
    for number in (1, 2):
        canary.write_canary_series(root / "in", canary.build_canary_scan(number), number)
    write_nifti(canary.build_canary_scan().voxels(), np.eye(4), root / "in" / f"{canary.FILE}.nii")
    data = bytearray((root / "in" / f"{canary.FILE}.nii").read_bytes())
    data[148:156], data[228:240], data[328:333] = b"Doe^Jane", b"Quoll 778812", b"Bilby"
    (root / "in" / f"{canary.FILE}.nii").write_bytes(bytes(data))
    (root / "in" / f"{canary.FILE}-cut.dcm").write_bytes(_cut(root / "in"))
    exif = Image.Exif()
    exif[0x010E] = "Doe^Jane at Quokka"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / "in" / f"{canary.FILE}.jpg", exif=exif)
    (root / "in" / "Doe^Jane.txt").write_text("MRN-778812")
    save_tiny_model(root / "model", spec_3d())
    return root


def _cut(folder):
    path = sorted(folder.rglob("*.dcm"))[0]
    return path.read_bytes()[:-50].replace(b"1.2.826.0.1.999.2.1", b"1.2.826.0.1.999.2.7")


def series_of(place, number=1):
    return place / "in" / canary.FOLDER / f"{canary.FILE} {number}"


def clean(text, *typed):
    """Leave out the paths that the user typed, which a command may echo."""
    for path in typed:
        text = text.replace(str(path), "")
    return text


def assert_nothing_came_out(done, said, out, typed):
    for text in (done.stdout, done.stderr, *said):
        assert canary.find_canaries(clean(text, *typed).encode()) == set(), clean(text, *typed)[:2000]
    for path in [p for p in out.rglob("*") if out.is_dir()]:
        relative = str(path.relative_to(out))
        assert canary.find_canaries(relative.encode()) == set()
        if path.is_file() and not INTERNAL.fullmatch(path.name):
            assert canary.find_canaries(path.read_bytes()) == set(), relative


COMMANDS = {
    "inspect": ("inspect", "IN"),
    "inspect as JSON": ("inspect", "IN", "--json"),
    "inspect headers": ("inspect", "IN", "--headers"),
    "inspect one file": ("inspect", "CUT"),
    "convert": ("convert", "SERIES", "OUT/scan.nii.gz"),
    "convert, ambiguous": ("convert", "IN", "OUT/scan.nii.gz"),
    "convert, refused": ("convert", "CUT", "OUT/scan.nii.gz"),
    "predict": ("predict", "MODEL", "SERIES", "--explain", "--out", "OUT/prediction"),
    "predict as JSON": ("predict", "MODEL", "SERIES", "--json"),
    "predict, refused": ("predict", "MODEL", "CUT"),
    "explain": ("explain", "MODEL", "SERIES", "--out", "OUT/heatmap"),
    "score": ("score", "IN", "--model", "MODEL", "--out", "OUT/scores"),
    "wrong option": ("inspect", "IN", "--no-such-option"),
    "wrong path": ("inspect", "ABSENT"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_canary_comes_out_of_a_command(name, place, tmp_path, caplog, capfd):
    places = {
        "IN": place / "in",
        "CUT": place / "in" / f"{canary.FILE}-cut.dcm",
        "SERIES": series_of(place),
        "MODEL": place / "model",
        "ABSENT": place / "in" / "Doe^Jane-absent",
    }
    arguments = [places.get(word, word.replace("OUT", str(tmp_path))) for word in COMMANDS[name]]
    with everything_said(caplog) as said:
        done = medres(*arguments)
    expected = {"wrong option": (2,), "wrong path": (1,)}.get(name, (0, 3))
    assert done.returncode in expected, done.stderr
    said += capfd.readouterr()  # what workers and C libraries wrote past Python
    assert_nothing_came_out(done, said, tmp_path, [word for word in arguments if isinstance(word, Path)])


def test_no_canary_comes_out_of_a_report(place, tmp_path, caplog):
    assert medres("predict", place / "model", series_of(place), "--explain", "--out", tmp_path / "a").returncode == 0
    with everything_said(caplog) as said:
        done = medres("report", tmp_path / "a", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert_nothing_came_out(done, said, tmp_path, [])


def test_the_ledger_holds_relative_paths_and_pseudonyms_only(place, tmp_path):
    medres("score", place / "in", "--model", place / "model", "--out", tmp_path / "scores")
    (ledger,) = (tmp_path / "scores").glob("ledger.sqlite")
    assert ledger.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(ledger)) as store:
        tables = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in store.execute(f"SELECT * FROM {table}")]
    text = "\n".join(str(cell) for row in rows for cell in row)
    assert str(place) not in text
    assert canary.find_canaries(text.encode()) <= {"bandicoot", "quoll"}


def test_the_search_finds_what_is_hidden():
    text = b"name: Doe^Jane"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", text)
    picture = io.BytesIO()
    Image.fromarray(np.frombuffer(b"Quokka Hospital!" * 2, np.uint8).reshape(1, 32)).save(picture, "PNG")
    for data in (text, gzip.compress(text), packed.getvalue(), "Doe^Jane".encode("utf-16")):
        assert canary.find_canaries(data) >= {"doe^jane"}
    assert canary.find_canaries(picture.getvalue()) == {"quokka"}
    assert canary.find_canaries(b"a plain result") == set()
