"""A folder is there whole or not at all, also on a full disk."""

from __future__ import annotations

import subprocess
import sys

import pytest

from medres.errors import StoreError
from medres.models.folder import sha256, write_folder


def test_files_stand_in_the_folder_and_nothing_beside_it(tmp_path):
    write_folder(tmp_path / "new" / "model", {"a.txt": b"one", "mark": b""}, marker="mark")
    assert (tmp_path / "new" / "model" / "a.txt").read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


def test_an_older_folder_of_its_kind_is_replaced_whole(tmp_path):
    write_folder(tmp_path / "model", {"old.txt": b"", "mark": b""}, marker="mark")
    write_folder(tmp_path / "model", {"new.txt": b"", "mark": b""}, marker="mark")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["mark", "new.txt"]


def test_reject_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="E_WRITE: the folder is not empty"):
        write_folder(tmp_path, {"mark": b""}, marker="mark")
    with pytest.raises(StoreError, match="a file stands where"):
        write_folder(tmp_path / "thesis.txt", {"mark": b""}, marker="mark")


def test_a_full_disk_leaves_the_old_folder_as_it_was(tmp_path):
    write_folder(tmp_path / "model", {"mark": b"old"}, marker="mark")
    told = f"""
import resource, signal
from pathlib import Path
from medres.errors import StoreError
from medres.models.folder import write_folder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_folder(Path({str(tmp_path / "model")!r}), {{"mark": b"new", "weights": bytes(5000)}}, marker="mark")
except StoreError as fault:
    print(fault)
"""
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("E_DISK_FULL: the files cannot be written (File too large)")
    assert str(tmp_path) not in found.stdout
    assert (tmp_path / "model" / "mark").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_digest_is_sha256():
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
