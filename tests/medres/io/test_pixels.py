"""Bytes of PixelData: truncation, limits, byte order, fragments, and files that change while they are read."""

from __future__ import annotations

import copy
import os
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from medres.errors import IntakeError
from medres.io import find_series, pixels, read, read_series
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from tests.phantoms_dicom import ct_slices, phantom_voxels, put_jpeg2000, radiograph, save, save_ct, set_pixels
from tests.series_verdicts import assert_refused, only


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_read_every_native_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    save_ct(tmp_path, syntax=syntax)
    assert only(tmp_path).codes == ()
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


@pytest.mark.parametrize("vr", ["OB", "OW"])
@pytest.mark.parametrize("shape", [(6, 10), (3, 5, 7)])  # the second has frames of an odd number of bytes
def test_read_bytes_that_stand_in_big_endian_words(tmp_path: Path, vr: str, shape: tuple[int, ...]) -> None:
    stored = (np.arange(np.prod(shape)) * 7 % 251).astype(np.uint8).reshape(shape)
    ds = set_pixels(radiograph(stored.reshape(-1, *shape[-2:])[0], "US"), stored)
    data = stored.tobytes() + bytes(stored.size % 2)
    ds.PixelData = np.frombuffer(data, np.uint16).byteswap().tobytes() if vr == "OW" else data
    ds["PixelData"].VR = vr
    ds.file_meta.TransferSyntaxUID, ds.NumberOfFrames = ExplicitVRBigEndian, stored.size // np.prod(shape[-2:])
    ds.save_as(tmp_path / "x", implicit_vr=False, little_endian=False, enforce_file_format=True)
    for frame, plane in enumerate(stored.reshape(-1, *shape[-2:]), 1):
        assert np.array_equal(read(tmp_path, frame=frame).voxels[:, :, 0].T, plane)


def test_tell_copies_of_pixels_from_others(tmp_path: Path) -> None:
    ds = radiograph(np.arange(60, dtype=np.uint16).reshape(6, 10))
    paths = save([ds, ds, set_pixels(copy.deepcopy(ds), np.zeros((6, 10), np.uint16))], tmp_path)
    first, twin, other = (read_header(path, HeaderReader())[0] for path in paths)
    assert pixels.have_same_pixels(first, twin)
    assert not pixels.have_same_pixels(first, other)
    paths[1].unlink()
    assert not pixels.have_same_pixels(first, twin)


def cut(path: Path, count: int) -> None:
    """Take the last bytes off a file."""
    os.truncate(path, path.stat().st_size - count)


@pytest.mark.parametrize("count", [1, 100, 308])
def test_reject_the_whole_series_of_a_truncated_file(tmp_path: Path, count: int) -> None:
    paths = save(ct_slices(), tmp_path)
    cut(paths[8], count)
    series = assert_refused(tmp_path, "E_TRUNCATED", "must hold 308 bytes", f"ends after {308 - count} (file number 9)")
    assert series.file_count == 9


@pytest.mark.parametrize("kept", [400, 700])
def test_reject_the_whole_series_where_a_file_ends_inside_its_header(tmp_path: Path, kept: int) -> None:
    paths = save(ct_slices(), tmp_path)
    os.truncate(paths[8], kept)
    series = assert_refused(tmp_path, "E_TRUNCATED", "in 1 of 9 files")
    assert series.file_count == 9


def test_reject_short_pixel_data(tmp_path: Path) -> None:
    def short(ds: Dataset, k: int) -> None:
        if k == 3:
            ds.PixelData = ds.PixelData[:200]

    save_ct(tmp_path, short)
    assert_refused(tmp_path, "E_TRUNCATED", "must hold 308 bytes, as Rows, Columns and Frames say; it holds 200")


def test_reject_an_image_without_pixels(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: delattr(ds, "PixelData") if k == 8 else None)
    assert_refused(tmp_path, "E_TRUNCATED", "in 1 of 9 files")


@pytest.mark.parametrize(
    ("name", "value"), [("Rows", 65535), ("NumberOfFrames", 2_000_000_000), ("Columns", 65535), ("Both", 65535)]
)
def test_refuse_before_allocating_what_the_header_asks_for(tmp_path: Path, name: str, value: int) -> None:
    def ask(ds: Dataset, k: int) -> None:
        for one in ("Rows", "Columns") if name == "Both" else (name,):
            setattr(ds, one, value)

    save_ct(tmp_path, ask)
    assert_refused(tmp_path, "E_SIZE_LIMIT")


def test_refuse_a_volume_beyond_the_callers_limit(tmp_path: Path) -> None:
    save_ct(tmp_path)
    series = only(tmp_path, max_voxels=1000)
    assert series.codes == ("E_SIZE_LIMIT",)
    assert "at most 1000 voxels are read" in series.message


def test_refuse_a_deflated_bomb_within_the_cap(tmp_path: Path) -> None:
    path = save(ct_slices(syntax=DeflatedExplicitVRLittleEndian)[:1], tmp_path)[0]
    content = path.read_bytes()
    start = 132 + 12 + struct.unpack_from("<L", content, 140)[0]
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:])
    packed = engine.compress(head) + b"".join(engine.compress(bytes(1 << 20)) for _ in range(300)) + engine.flush()
    path.write_bytes(content[:start] + packed)
    assert path.stat().st_size < 1_000_000
    series = only(tmp_path)
    assert (series.verdict, series.codes) == ("refused", ("E_SIZE_LIMIT",))


def test_reject_deflated_data_that_is_not_deflated_or_ends_early(tmp_path: Path) -> None:
    for name, change in (("E_NOT_DICOM", lambda b: b"\xff" * len(b)), ("E_TRUNCATED", lambda b: b[:-9])):
        path = save(ct_slices(syntax=DeflatedExplicitVRLittleEndian)[:1], tmp_path / name)[0]
        content = path.read_bytes()
        start = 132 + 12 + struct.unpack_from("<L", content, 140)[0]
        path.write_bytes(content[:start] + change(content[start:]))
        assert only(tmp_path / name).codes == (name,)


def put_run_lengths(ds: Dataset) -> None:
    """Compress a data set's pixels as run lengths."""
    ds.compress(RLELossless, generate_instance_uid=False)


@pytest.mark.parametrize("compress", [put_run_lengths, put_jpeg2000])
def test_reject_a_truncated_compressed_stream(tmp_path: Path, compress: Callable[[Dataset], None]) -> None:
    save_ct(tmp_path, lambda ds, k: compress(ds))
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())
    cut(tmp_path / "x0005", 60)
    assert only(tmp_path, headers_only=True).verdict == "ok"  # only pixels tell
    assert_refused(tmp_path, "E_TRUNCATED")


def test_read_a_frame_in_several_fragments(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: put_jpeg2000(ds, fragments_per_frame=3, has_bot=bool(k % 2)))
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_notice_a_file_that_changes_while_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_ct(tmp_path, lambda ds, k: put_jpeg2000(ds))
    series = find_series(tmp_path, headers_only=True).series[0]
    decode = pixels.decode_frame

    def decode_while_another_program_writes(*arguments: object) -> np.ndarray:
        with (tmp_path / "x0002").open("ab") as file:
            file.write(b"\0\0")
        return decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pixels, "decode_frame", decode_while_another_program_writes)
    with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        read_series(series)


@pytest.mark.parametrize("action", ["append", "touch", "shorten", "remove"])
def test_notice_a_file_that_changes_between_header_and_pixels(tmp_path: Path, action: str) -> None:
    paths = save(ct_slices(), tmp_path)
    series = find_series(tmp_path, headers_only=True).series[0]
    if action == "append":
        with paths[4].open("ab") as file:
            file.write(b"\0\0")
    elif action == "touch":
        os.utime(paths[4], ns=(1, 1))
    elif action == "shorten":
        cut(paths[4], 20)
    else:
        paths[4].unlink()
    with pytest.raises(IntakeError) as fault:
        read_series(series)
    assert fault.value.code == ("E_UNREADABLE" if action == "remove" else "E_INPUT_CHANGED")
    assert str(tmp_path) not in str(fault.value)


@pytest.mark.parametrize("where", [range(9), (3,)])
def test_reject_pixel_data_that_holds_whole_frames_more_than_the_header_asks_for(
    tmp_path: Path, where: Iterable[int]
) -> None:
    def more(ds: Dataset, k: int) -> None:
        if k in where:
            ds.PixelData = ds.PixelData * 6

    save_ct(tmp_path, more)
    for headers_only in (True, False):
        assert_refused(tmp_path, "E_HEADER_VALUE", "ask for 308 bytes, it holds 1848", headers_only=headers_only)


def test_warn_of_pixel_data_that_holds_some_bytes_more_than_the_header_asks_for(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PixelData", ds.PixelData + b"\0" * 44))
    assert only(tmp_path).codes == read(tmp_path).codes == ("W_PIXEL_EXCESS",)
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_accept_the_one_byte_that_makes_pixel_data_even(tmp_path: Path) -> None:
    numbers = np.arange(35, dtype=np.uint8).reshape(5, 7)
    ds = set_pixels(ct_slices(modality="MR", intercept=0.0)[0], numbers)
    ds.PixelData += b"\0"
    ds["PixelData"].VR = "OB"
    save([ds], tmp_path)
    assert only(tmp_path).codes == ()
    assert np.array_equal(read(tmp_path).voxels[..., 0].T, numbers)


def test_reject_a_colour_picture_whose_samples_are_not_shared_as_it_says(tmp_path: Path) -> None:
    ds = radiograph(np.zeros((10, 12), np.uint8), "US")
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    ds.PixelData, ds["PixelData"].VR = bytes(10 * 12 * 3), "OB"
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_HEADER_VALUE", "ask for 240 bytes, it holds 360")
