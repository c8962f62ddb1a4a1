import resource
import subprocess
import sys

import pytest

from medres.errors import StoreError
from medres.io.atomic import atomic_writer

FILL = """
import resource, sys
from pathlib import Path
from medres.errors import StoreError
from medres.io.atomic import atomic_writer
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with atomic_writer(Path(sys.argv[1])) as stream:
        stream.write(bytes(1_000_000))
except StoreError as error:
    print(error.code)
"""


def test_a_file_is_there_whole(tmp_path):
    with atomic_writer(tmp_path / "a") as stream:
        stream.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_fault_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_writer(tmp_path / "a") as stream:
        stream.write(b"n" + bytes([1 // 0]))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path):
    assert resource.RLIMIT_FSIZE
    (tmp_path / "a").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FILL, str(tmp_path / "a")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "E_DISK_FULL"
    assert (tmp_path / "a").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_place_that_cannot_be_written_is_named_without_its_path(tmp_path):
    with pytest.raises(StoreError, match="E_WRITE") as caught, atomic_writer(tmp_path / "absent" / "a") as stream:
        stream.write(b"new")
    assert "absent" not in str(caught.value)
