import numpy as np
import pytest
from PIL import Image

from medres.errors import IntakeError
from medres.io.image_decoding import decode_picture, looks_like_picture, read_picture_header


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_picture_is_recognised_by_its_bytes(tmp_path, name):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
    assert looks_like_picture((tmp_path / name).rename(tmp_path / "nameless"))


def test_what_is_no_picture_is_not_recognised(tmp_path):
    (tmp_path / "note.png").write_text("text")
    assert not looks_like_picture(tmp_path / "note.png")
    assert not looks_like_picture(tmp_path / "absent.png")


def test_samples_come_as_stored_rows_first(tmp_path):
    samples = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(samples).save(tmp_path / "a.png")
    header = read_picture_header(tmp_path / "a.png")
    assert (header.rows, header.columns, header.kind) == (3, 4, "PNG")
    got, alpha = decode_picture(tmp_path / "a.png", header)
    assert np.array_equal(got, samples)
    assert alpha is None


def test_damaged_exif_counts_as_upright(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_picture_header(tmp_path / "a.png").exif_orientation == 1


@pytest.mark.parametrize("cut", [9, 20, 40])
def test_a_header_cut_short_is_a_named_fault(tmp_path, cut):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:cut])
    with pytest.raises(IntakeError, match="E_TRUNCATED"):
        decode_picture(tmp_path / "a.png", read_picture_header(tmp_path / "a.png"))
