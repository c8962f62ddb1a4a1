"""Every transfer syntax against pydicom's own decoders, and streams that are not what the header says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medres.errors import IntakeError
from medres.io import decoders, find_series, read
from medres.io.decoders import decode_frame, decode_rle, jpeg2000_size, jpeg_size, require_decoder
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from medres.io.stack import read_stack
from tests.phantoms_dicom import ct_slices, phantom_voxels, put_stream, save, save_ct, set_pixels, stored_pixels
from tests.series_verdicts import assert_refused, only
from tests.shared_data import shared

SYNTAXES = {
    "JPEG lossless": (JPEGLosslessSV1, lambda a: imagecodecs.ljpeg_encode(a)),
    "JPEG-LS": (JPEGLSLossless, lambda a: imagecodecs.jpegls_encode(a)),
    "JPEG 2000": (JPEG2000Lossless, lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k", reversible=True)),
    "HTJ2K": (HTJ2KLossless, lambda a: imagecodecs.htj2k_encode(a, reversible=True)),
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_read_lossless_syntaxes_exactly(tmp_path: Path, name: str) -> None:
    syntax, encode = SYNTAXES[name]
    save_ct(tmp_path, lambda ds, k: put_stream(ds, syntax, bytes(encode(stored_pixels(ds)))))
    assert only(tmp_path).codes == ()
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_read_run_lengths_of_every_width(bits: int) -> None:
    numbers = (np.arange(35, dtype=np.uint64).reshape(5, 7) ** 3 * 977 % (1 << bits)).astype(f"<u{bits // 8}")
    planes = [numbers.view(np.uint8).reshape(5, 7, -1)[..., n].tobytes() for n in range(bits // 8)][::-1]
    packed = [imagecodecs.packbits_encode(plane) for plane in planes]
    starts = np.cumsum([64, *map(len, packed)])[:-1]
    header = np.array([len(packed), *starts, *[0] * (15 - len(packed))], "<u4").tobytes()
    assert np.array_equal(decode_rle(header + b"".join(packed), (5, 7), bits), numbers)


def test_reject_data_that_contradict_their_transfer_syntax(tmp_path: Path) -> None:
    stream = SYNTAXES["JPEG 2000"][1]
    cases = {
        "another codec": lambda ds, k: put_stream(ds, JPEGLSLossless, bytes(stream(stored_pixels(ds)))),
        "another size": lambda ds, k: put_stream(ds, JPEG2000Lossless, bytes(stream(stored_pixels(ds)[:-1]))),
        "no codec": lambda ds, k: put_stream(ds, JPEG2000Lossless, b"Doe^Jane" * 40),
        "no run lengths": lambda ds, k: put_stream(ds, RLELossless, b"Doe^Jane" * 40),
    }
    for name, change in cases.items():
        save_ct(tmp_path / name, change)
        assert_refused(tmp_path / name, "E_NOT_DICOM")


@pytest.mark.parametrize("claimed", [b"1.2.840.10008.1.2\0\0\0", b"1.2.840.10008.1.2.2\0", b"1.2.840.10008.1.2.5\0"])
def test_reject_files_written_otherwise_than_their_transfer_syntax_says(tmp_path: Path, claimed: bytes) -> None:
    for path in save(ct_slices(), tmp_path):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", claimed, 1))
    for series in find_series(tmp_path).series:
        assert series.codes == ("E_NOT_DICOM",)


TWELVE_BITS = {
    "JPEG lossless": (JPEGLosslessSV1, lambda a: imagecodecs.ljpeg_encode(a, bitspersample=12)),
    "JPEG 2000": (JPEG2000Lossless, lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k", bitspersample=12)),
}


def save_twelve_bits(folder: Path, name: str, highest: int, **header: int) -> np.ndarray:
    """Write slices whose streams hold 12 bits without a sign; the header says 16 bits unless told."""
    syntax, encode = TWELVE_BITS[name]
    numbers = np.linspace(0, highest, 154).astype(np.uint16).reshape(11, 14)

    def change(ds: Dataset, k: int) -> None:
        set_pixels(ds, numbers)
        put_stream(ds, syntax, bytes(encode(numbers)))
        for element, value in header.items():
            setattr(ds, element, value)

    save_ct(folder, change, modality="MR", intercept=0.0)
    return numbers


@pytest.mark.parametrize("name", TWELVE_BITS)
def test_reject_signed_numbers_in_a_stream_of_fewer_bits_without_a_sign(tmp_path: Path, name: str) -> None:
    save_twelve_bits(tmp_path, name, 4095, PixelRepresentation=1)
    assert_refused(tmp_path, "E_NOT_DICOM", "must hold signed numbers of 16 bits, it holds 12 without a sign")


@pytest.mark.parametrize("name", TWELVE_BITS)
def test_read_streams_of_fewer_bits_where_one_reading_is_left(tmp_path: Path, name: str) -> None:
    cases = {
        "unsigned": (4095, {}, 0),
        "no number with the highest bit": (2047, {"PixelRepresentation": 1}, 0),
        "two's complement": (4095, {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}, 2048),
    }
    for case, (highest, header, half) in cases.items():
        numbers = save_twelve_bits(tmp_path / case, name, highest, **header).astype(int)
        wanted = (numbers + half) % 4096 - half if half else numbers
        assert np.array_equal(read(tmp_path / case).voxels[..., 0].T, wanted), case


@pytest.mark.parametrize("announced", [1, 8, 12, 20])
def test_reject_a_jpeg2000_stream_that_announces_other_bits_than_its_coefficients_have(
    tmp_path: Path, announced: int
) -> None:
    def damage(ds: Dataset, k: int) -> None:
        stream = bytearray(SYNTAXES["JPEG 2000"][1](stored_pixels(ds)))
        stream[stream.find(b"\xff\x51") + 40] = announced - 1
        put_stream(ds, JPEG2000Lossless, bytes(stream))

    save_ct(tmp_path, damage)
    code = "E_NOT_DICOM" if announced > 16 else "E_TRUNCATED"
    assert assert_refused(tmp_path, code).checked == "pixels"


def test_refuse_a_syntax_without_a_decoder_and_name_it(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: put_stream(ds, "1.2.840.10008.1.2.4.102", b"\0" * 100))
    assert_refused(tmp_path, "E_NO_DECODER", "MPEG-4 video", headers_only=True)


def test_refuse_a_syntax_whose_codec_was_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagecodecs.HTJ2K, "available", False)
    found = decoders.find_decoders()
    assert HTJ2KLossless not in found
    assert JPEG2000Lossless in found
    monkeypatch.setattr(decoders, "DECODERS", found)
    with pytest.raises(IntakeError, match="E_NO_DECODER: no decoder is installed for HTJ2K - update imagecodecs"):
        decoders.require_decoder(HTJ2KLossless)


def test_read_sizes_that_streams_announce() -> None:
    numbers = np.arange(35, dtype=np.uint16).reshape(5, 7)
    assert jpeg_size(imagecodecs.ljpeg_encode(numbers)) == (5, 7, 1)
    assert jpeg_size(imagecodecs.jpegls_encode(numbers)) == (5, 7, 1)
    assert jpeg2000_size(imagecodecs.jpeg2k_encode(numbers, reversible=True)) == (5, 7, 1)
    assert jpeg_size(b"\xff\xd8\xff") is None
    assert jpeg2000_size(b"") is None


def test_refuse_a_stream_that_announces_a_giant_before_decoding() -> None:
    stream = bytearray(imagecodecs.jpeg2k_encode(np.zeros((5, 7), np.uint16), codecformat="j2k", reversible=True))
    place = stream.find(b"\xff\x51") + 6
    stream[place : place + 8] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(IntakeError, match="must be 5 x 7 x 1, as the header says, got 60000 x 60000 x 1"):
        decode_frame(bytes(stream), JPEG2000Lossless, (5, 7), 16)


def stored_of(path: Path) -> np.ndarray:
    """Read the values of one real file through our own reader, whatever its series is."""
    planes = read_header(path, HeaderReader())
    values = read_stack(planes).values
    assert values is not None
    return values[0]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["CT1", "CT2", "MR1", "RG3"])
def test_read_wg04_images_like_their_uncompressed_originals(name: str) -> None:
    folder = shared("data/dicom/wg04")
    original = stored_of(folder / "reference" / f"{name}_UNC.dcm").astype(int)
    for kind, allowed in (("RLE", 0), ("J2KR", 0), ("JLSL", 0), ("JPLL", 0), ("JLSN", 4), ("JPLY", 130), ("J2KI", 410)):
        path = folder / f"{name}_{kind}.dcm"
        if path.exists():
            assert np.abs(stored_of(path) - original).max() <= allowed, kind


@pytest.mark.shared
def test_decoders_agree_with_pydicoms_bit_for_bit() -> None:
    paths = sorted(shared("data/dicom/wg04").glob("*.dcm"))
    left_out = ("JPLL", "JPLY", "MR1_JLSL")  # pydicom has no permissive decoder for two; pyjpegls cannot read the third
    for path in (p for p in paths if not p.stem.endswith(left_out)):
        ds = pydicom.dcmread(path)
        wanted = ds.pixel_array.astype(int) * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
        if ds.PhotometricInterpretation == "MONOCHROME1":
            wanted = (1 << ds.BitsStored) - 1 - wanted
        assert np.array_equal(stored_of(path), wanted), path.name


@pytest.mark.shared
def test_read_one_real_image_alike_in_nine_syntaxes() -> None:
    paths = sorted(shared("data/dicom/mr_one_image_nine_syntaxes/In").glob("*.dcm"))
    first = stored_of(paths[0])
    assert len(paths) == 9
    assert all(np.array_equal(stored_of(path), first) for path in paths[1:])


@pytest.mark.shared
def test_flag_the_lossy_ones_among_real_files() -> None:
    for path in sorted(shared("data/dicom/wg04").glob("*.dcm")):
        series = find_series(path, headers_only=True).series[0]
        assert ("W_LOSSY" in series.codes) is (path.stem[-4:] in ("J2KI", "JLSN", "JPLY")), path.name


@pytest.mark.parametrize(("tail", "name"), [("100", "MPEG-2 video"), ("104", "MPEG-4 video"), ("107", "HEVC video")])
def test_name_a_video_that_cannot_be_read(tail: str, name: str) -> None:
    with pytest.raises(IntakeError, match=f"E_NO_DECODER: no decoder is installed for {name}"):
        require_decoder(f"1.2.840.10008.1.2.4.{tail}")


@pytest.mark.parametrize("bits", [12, 16])
def test_reject_a_stream_with_a_sign_where_the_header_has_none(tmp_path: Path, bits: int) -> None:
    def change(ds: Dataset, k: int) -> None:
        signed = stored_pixels(ds).astype(np.int16) - 100
        stream = imagecodecs.jpeg2k_encode(signed, codecformat="j2k", reversible=True, bitspersample=bits)
        put_stream(ds, JPEG2000Lossless, bytes(stream))
        ds.BitsStored, ds.HighBit = bits, bits - 1

    save_ct(tmp_path, change)
    assert_refused(tmp_path, "E_NOT_DICOM", "must hold unsigned numbers, as PixelRepresentation says", "down to -")


def test_reject_htj2k_streams_that_end_before_their_last_tile() -> None:
    plane = (np.arange(64 * 64).reshape(64, 64) * 13 % 4001).astype(np.uint16)
    stream = bytes(imagecodecs.htj2k_encode(plane, reversible=True))
    assert np.array_equal(decode_frame(stream, HTJ2KLossless, (64, 64), 16), plane)
    assert np.array_equal(decode_frame(stream + b"\0", HTJ2KLossless, (64, 64), 16), plane)
    for count in (3, 4, 100, len(stream) // 2, len(stream) - 200):
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            decode_frame(stream[:-count], HTJ2KLossless, (64, 64), 16)


def test_reject_what_a_decoder_throws_and_nobody_hears(capfd: pytest.CaptureFixture[str]) -> None:
    plane = (np.arange(64 * 64).reshape(64, 64) * 13 % 4001).astype(np.uint16)
    stream = bytes(imagecodecs.htj2k_encode(plane, reversible=True))
    hook = sys.unraisablehook
    outcomes = set()
    for place in range(200, len(stream), 7):
        damaged = stream[:place] + bytes(20) + stream[place + 20 :]
        try:
            decode_frame(damaged[: len(stream)], HTJ2KLossless, (64, 64), 16)
            outcomes.add("accepted")  # no checksum tells
        except IntakeError as fault:
            outcomes.add(fault.code)
    assert "E_TRUNCATED" in outcomes
    assert sys.unraisablehook is hook
    assert "Exception ignored" not in capfd.readouterr().err


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3)])
def test_reject_jpegls_streams_without_an_end(shape: tuple[int, ...]) -> None:
    plane = (np.arange(np.prod(shape)).reshape(shape) * 13 % 251).astype(np.uint8)
    stream = bytes(imagecodecs.jpegls_encode(plane))
    samples = 3 if len(shape) == 3 else 1
    assert np.array_equal(decode_frame(stream, JPEGLSLossless, (64, 64), 8, samples), plane)
    assert np.array_equal(decode_frame(stream + b"\0", JPEGLSLossless, (64, 64), 8, samples), plane)
    for count in (1, 2, 3, 4, 10, len(stream) // 2):  # CharLS itself would never come back
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            decode_frame(stream[:-count], JPEGLSLossless, (64, 64), 8, samples)
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            decode_frame(stream[: -count - 2] + b"\xff\xd9", JPEGLSLossless, (64, 64), 8, samples)


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGBaseline8Bit, lambda a: imagecodecs.jpeg8_encode((a >> 4).astype(np.uint8), level=95)),
        (JPEGExtended12Bit, lambda a: imagecodecs.jpeg8_encode(a, level=95, bitspersample=12)),
        (JPEGLosslessSV1, lambda a: imagecodecs.ljpeg_encode(a)),
    ],
)
def test_reject_jpeg_streams_without_an_end(syntax: str, encode: Callable) -> None:
    plane = (np.arange(64 * 64).reshape(64, 64) * 13 % 4001).astype(np.uint16)
    stream = bytes(encode(plane))
    bits = 8 if syntax == JPEGBaseline8Bit else 16
    whole = decode_frame(stream, syntax, (64, 64), bits)
    assert np.array_equal(decode_frame(stream + b"\0", syntax, (64, 64), bits), whole)
    for count in (1, 2, 3, 10, len(stream) // 2):  # libjpeg itself would make up the rest
        with pytest.raises(IntakeError, match="E_TRUNCATED"):
            decode_frame(stream[:-count], syntax, (64, 64), bits)
