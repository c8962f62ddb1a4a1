import gzip
import os
import threading

import nibabel as nib
import numpy as np
import pytest

from medres.errors import IntakeError
from medres.io.nifti_bytes import PIECE_BYTES, looks_like_nifti, nifti_files, read_bytes
from tests.medres.io import nifti_phantom as phantom


def test_nifti_is_recognised_by_bytes_whatever_its_name(tmp_path):
    for name in ("a.nii", "b.nii.gz"):
        path = phantom.write(tmp_path / name)
        assert looks_like_nifti(path.rename(tmp_path / f"{name}-nameless"))
    (tmp_path / "note.nii").write_text("no scan")
    (tmp_path / "lonely.img").write_bytes(bytes(1000))
    assert not looks_like_nifti(tmp_path / "note.nii")
    assert not looks_like_nifti(tmp_path / "lonely.img")
    assert not looks_like_nifti(tmp_path / "absent.nii")


def test_both_halves_of_a_pair_name_both_files(tmp_path):
    header = phantom.write(tmp_path / "a.hdr", kind=nib.Nifti1Pair)
    image = tmp_path / "a.img"
    assert nifti_files(header) == nifti_files(image) == (header, image)
    assert looks_like_nifti(image)


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_of_one_or_several_members_is_read_to_its_end(tmp_path, members):
    data = np.random.default_rng(0).integers(0, 255, 3 * PIECE_BYTES, dtype=np.uint8).tobytes()
    parts = [data[i * len(data) // members : (i + 1) * len(data) // members] for i in range(members)]
    (tmp_path / "a.gz").write_bytes(b"".join(map(gzip.compress, parts)) + bytes(64))
    got = read_bytes(tmp_path / "a.gz", 1000, PIECE_BYTES + 7, len(data))
    assert got.tobytes() == data[1000 : 1000 + PIECE_BYTES + 7]


def test_a_member_that_is_missing_is_a_truncation(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(range(256)) * 40))
    with pytest.raises(IntakeError, match="E_TRUNCATED"):
        read_bytes(tmp_path / "a.gz", 0, 20_000, 20_000)


def test_a_small_stream_that_cannot_hold_what_was_announced_takes_no_memory(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(100)))
    with pytest.raises(IntakeError, match="E_TRUNCATED"):
        read_bytes(tmp_path / "a.gz", 0, 10**12, 10**12)


def read_often(path, size):
    for _ in range(200):
        read_bytes(path, 0, size, size)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "pipe.gz"
    packed = gzip.compress(np.random.default_rng(1).bytes(4 * PIECE_BYTES))
    path.write_bytes(packed)
    stop = threading.Event()

    def append():
        while not stop.is_set():
            with path.open("ab") as stream:
                stream.write(b"\0")
                os.fsync(stream.fileno())

    writer = threading.Thread(target=append)
    writer.start()
    try:
        with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
            read_often(path, 4 * PIECE_BYTES)
    finally:
        stop.set()
        writer.join()
