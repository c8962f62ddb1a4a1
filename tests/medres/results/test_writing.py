import os

import pytest

from medres.errors import StoreError
from medres.results.writing import replacing, write_bytes


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a" / "result.json"
    write_bytes(path, b"old", "the result")
    write_bytes(path, b"new", "the result")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["result.json"]


def test_the_old_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "result.json"
    write_bytes(path, b"old", "the result")
    with pytest.raises(TypeError), replacing(path, "the result") as draft:
        draft.write_bytes([b"half", None])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_place_that_cannot_be_written_is_said_without_its_path(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="E_WRITE") as caught:
        write_bytes(tmp_path / "file" / "result.json", b"new", "the result")
    assert str(tmp_path) not in str(caught.value)
