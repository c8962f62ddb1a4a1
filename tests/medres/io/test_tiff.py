"""TIFFs made byte by byte: every type of samples in either byte order, orientation, polarity, pages, damage."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from medres.errors import IntakeError
from medres.io.image import read_image
from medres.io.tiff import describe, find_grey, read_tags
from tests.series_verdicts import only

GREY = (np.arange(77).reshape(7, 11) * 3 + 1).astype(np.uint8)  # rows, columns
FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff(samples: NDArray, order: str = "<", white_is_zero: bool = False, **tags: int) -> bytes:
    """Write a TIFF of one strip without compression; `tags` such as t274 for Orientation."""
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    rows, columns = samples.shape
    fields = {256: columns, 257: rows, 258: samples.itemsize * 8, 259: 1, 262: 0 if white_is_zero else 1, 273: 0,
              277: 1, 278: rows, 279: len(data), 339: FORMATS[samples.dtype.kind]}  # fmt: skip
    fields |= {int(name[1:]): value for name, value in tags.items()}
    fields[273] = 8 + 2 + 12 * len(fields) + 4
    body = b"".join(struct.pack(order + "HHLL", tag, 4, 1, value) for tag, value in sorted(fields.items()))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, len(fields))
    return head + body + bytes(4) + data


def read_bytes(folder: Path, data: bytes) -> NDArray:
    (folder / "x.tif").write_bytes(data)
    return read_image(folder / "x.tif").voxels[:, :, 0].T


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4"])
def test_grey_samples_of_every_type_are_read_as_stored(tmp_path: Path, order: str, dtype: str) -> None:
    samples = (GREY.astype(float) * 0.5 if dtype == "f4" else GREY.astype(float)).astype(dtype)
    samples.flat[:2] = np.iinfo(dtype).max if dtype[0] != "f" else 1e9, np.iinfo(dtype).min if dtype[0] != "f" else -2
    found = read_bytes(tmp_path, tiff(samples, order))
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, samples)


@pytest.mark.parametrize("order", ["<", ">"])
def test_double_precision_becomes_single(tmp_path: Path, order: str) -> None:
    found = read_bytes(tmp_path, tiff(GREY / 7, order))
    assert found.dtype == np.float32
    assert np.array_equal(found, (GREY / 7).astype(np.float32))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
def test_white_as_0_is_turned_over(tmp_path: Path, order: str, dtype: str) -> None:
    samples = GREY.astype(dtype)
    found = read_bytes(tmp_path, tiff(samples, order, white_is_zero=True))
    assert np.array_equal(found, np.iinfo(dtype).max - samples)


@pytest.mark.parametrize("dtype", ["i2", "f4"])
def test_refuse_white_as_0_where_nothing_says_what_black_is(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(IntakeError, match="E_UNSUPPORTED: a TIFF whose white is 0 must hold unsigned numbers"):
        read_bytes(tmp_path, tiff(GREY.astype(dtype), white_is_zero=True))


TURNS = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
         5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
         8: lambda a: np.rot90(a)}  # fmt: skip  # TIFF 6.0, Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    assert np.array_equal(read_bytes(tmp_path, tiff(GREY, t274=orientation)), TURNS[orientation](GREY))
    assert only(tmp_path, headers_only=True).shape == only(tmp_path).shape
    colour = np.stack([GREY, GREY + 50, 255 - GREY], axis=-1)
    Image.fromarray(colour).save(tmp_path / "x.tif", tiffinfo={274: orientation})
    found = read_image(tmp_path / "x.tif").voxels[:, :, 0].swapaxes(0, 1)
    assert np.array_equal(found, TURNS[orientation](colour))
    assert only(tmp_path, headers_only=True).shape == only(tmp_path).shape


def test_refuse_what_is_whole_but_not_read_here_as_such(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match=r"E_UNSUPPORTED: .* got 1 sample of 64 bits \(sample format 1\)"):
        read_bytes(tmp_path, tiff(GREY.astype("u8")))
    many = np.stack([GREY] * 5, axis=-1)
    with pytest.raises(IntakeError, match=r"E_UNSUPPORTED: .* got 5 samples"):
        read_bytes(tmp_path, tiff(many.reshape(7, 55), t256=11, t277=5, t262=2, t338=0))


def test_refuse_one_that_is_cut_short(tmp_path: Path) -> None:
    whole = tiff(GREY.astype("u2"))
    for count in (1, 60, 154, 170):
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            read_bytes(tmp_path, whole[:-count])


def test_count_pages_and_end_where_a_directory_is_damaged() -> None:
    whole = tiff(GREY)
    assert len(read_tags(whole)) == 1
    looped = bytearray(whole)
    struct.pack_into("<L", looped, 8 + 2 + 12 * 10, 8)  # the next directory is this one
    assert len(read_tags(bytes(looped))) == 1
    assert read_tags(b"II*\0") == []
    assert read_tags(b"MM\0*" + b"\xff" * 40) == []


def test_a_tag_without_values_counts_as_absent() -> None:
    empty = bytearray(tiff(GREY))
    place = empty.index(struct.pack("<HH", 258, 4))
    struct.pack_into("<L", empty, place + 4, 0)
    tags = read_tags(bytes(empty))[0]
    assert 258 not in tags
    assert describe(tags) == "1 sample of 1 bits (sample format 1)"


def test_colour_and_lossy_compression_are_left_to_others() -> None:
    tags = read_tags(tiff(GREY))[0]
    assert find_grey(tags) is not None
    assert find_grey(tags | {262: (3,)}) is None
    assert find_grey(tags | {259: (7,)}) is None
    assert find_grey(tags | {258: (12,)}) is None
    assert describe(tags) == "1 sample of 8 bits (sample format 1)"
