import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps

from medres.errors import IntakeError
from medres.io.image import inspect_image, read_image
from tests.shared_data import shared

ROWS, COLUMNS = 5, 7


def grey(dtype=np.uint8, factor=3):
    return (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * factor).astype(dtype)


def colour(dtype=np.uint8, factor=2):
    return (np.arange(ROWS * COLUMNS * 3).reshape(ROWS, COLUMNS, 3) * factor).astype(dtype)


def save(path, samples, **options):
    Image.fromarray(samples).save(path, **options)
    return path


def refused(path, code):
    with pytest.raises(IntakeError) as caught:
        read_image(path)
    assert caught.value.code == code
    series = inspect_image(path, headers_only=False)
    assert (series.verdict, series.codes) == ("refused", (code,))
    assert path.name not in series.message + str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 3), (np.uint16, 1800)])
def test_grey_is_read_exactly_columns_first(tmp_path, name, dtype, factor):
    volume = read_image(save(tmp_path / name, grey(dtype, factor)))
    assert volume.shape == (COLUMNS, ROWS, 1)
    assert volume.voxels.dtype == dtype
    assert np.array_equal(volume.voxels[:, :, 0].T, grey(dtype, factor))
    assert (volume.frame, volume.orientation) == ("detector", "detector")
    assert not volume.spacing_known
    assert volume.codes == ("W_SPACING_UNKNOWN",)
    assert np.array_equal(volume.affine, np.eye(4))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_colour_stays_colour(tmp_path, name):
    volume = read_image(save(tmp_path / name, colour()))
    assert volume.voxels.shape == (COLUMNS, ROWS, 1, 3)
    assert volume.is_colour
    assert np.array_equal(volume.voxels[:, :, 0].swapaxes(0, 1), colour())


@pytest.mark.parametrize("encode", [imagecodecs.png_encode, imagecodecs.tiff_encode])
def test_colour_of_16_bits_keeps_its_bits(tmp_path, encode):
    samples = colour(np.uint16, 600)
    suffix = ".png" if encode is imagecodecs.png_encode else ".tif"
    (tmp_path / f"a{suffix}").write_bytes(encode(samples))
    volume = read_image(tmp_path / f"a{suffix}")
    assert volume.voxels.dtype == np.uint16
    assert np.array_equal(volume.voxels[:, :, 0].swapaxes(0, 1), samples)


@pytest.mark.parametrize(("order", "white_is_zero"), [("<", False), (">", False), ("<", True)])
def test_tiff_of_16_bits_keeps_its_polarity_and_byte_order(tmp_path, order, white_is_zero):
    samples = grey(np.uint16, 1800)
    data = bytearray(imagecodecs.tiff_encode(samples, photometric="miniswhite" if white_is_zero else "minisblack"))
    if order == ">":
        data = bytearray(_big_endian_tiff(samples, 0 if white_is_zero else 1))
    (tmp_path / "a.tif").write_bytes(bytes(data))
    expected = 65535 - samples if white_is_zero else samples
    assert np.array_equal(read_image(tmp_path / "a.tif").voxels[:, :, 0].T, expected)


def _big_endian_tiff(samples, photometric):
    tags = [(256, 3, COLUMNS), (257, 3, ROWS), (258, 3, 16), (259, 3, 1), (262, 3, photometric), (273, 4, 122)]
    tags += [(277, 3, 1), (278, 3, ROWS), (279, 4, samples.nbytes)]
    head = struct.pack(">2sHIH", b"MM", 42, 8, len(tags))
    for tag, kind, value in tags:
        head += struct.pack(">HHI", tag, kind, 1) + (
            struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        )
    return (head + bytes(4)).ljust(122, b"\0") + samples.astype(">u2").tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", grey(), exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    assert np.array_equal(read_image(path).voxels[:, :, 0].T, upright)
    assert inspect_image(path, headers_only=True).shape == (*upright.T.shape, 1)


def test_a_palette_is_turned_into_colour(tmp_path):
    picture = Image.fromarray(colour()).quantize(8)
    picture.save(tmp_path / "a.png")
    volume = read_image(tmp_path / "a.png")
    assert "W_PALETTE" in volume.codes
    assert np.array_equal(volume.voxels[:, :, 0].swapaxes(0, 1), np.asarray(picture.convert("RGB")))


def test_full_alpha_is_dropped_without_a_word(tmp_path):
    path = save(tmp_path / "a.png", np.dstack([colour(), np.full((ROWS, COLUMNS), 255, np.uint8)]))
    volume = read_image(path)
    assert volume.codes == ("W_SPACING_UNKNOWN",)
    assert volume.padding is None
    assert np.array_equal(volume.voxels[:, :, 0].swapaxes(0, 1), colour())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_pixels_count_as_outside(tmp_path, dtype):
    alpha = np.full((ROWS, COLUMNS), np.iinfo(dtype).max, dtype)
    alpha[1, 2] = 0
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(np.dstack([colour(dtype), alpha])))
    volume = read_image(tmp_path / "a.png")
    assert "W_ALPHA" in volume.codes
    assert volume.padding.sum() == 1
    assert volume.padding[2, 1, 0]


def test_grey_with_alpha_stays_grey(tmp_path):
    path = save(tmp_path / "a.png", np.dstack([grey(), np.full((ROWS, COLUMNS), 255, np.uint8)]))
    assert read_image(path).voxels.shape == (COLUMNS, ROWS, 1)


def test_jpeg_is_marked_as_lossy(tmp_path):
    path = save(tmp_path / "a.jpg", np.full((64, 48), 90, np.uint8))
    volume = read_image(path, modality="us")
    assert volume.codes == ("W_LOSSY", "W_SPACING_UNKNOWN")
    assert volume.modality == "US"
    assert np.abs(volume.voxels.astype(int) - 90).max() <= 1
    series = inspect_image(path, headers_only=True)
    assert (series.verdict, series.kind, series.checked) == ("warned", "picture", "headers")
    assert "lossy" in series.message


def test_one_bit_a_pixel_becomes_0_and_255(tmp_path):
    Image.fromarray(grey() > 30).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png").voxels[:, :, 0].T, np.where(grey() > 30, 255, 0))


def test_float_tiff_counts_pixels_that_are_not_finite_as_outside(tmp_path):
    samples = grey(np.float32)
    samples[0, 1] = np.nan
    volume = read_image(save(tmp_path / "a.tif", samples))
    assert "W_NOT_FINITE" in volume.codes
    assert volume.padding[1, 0, 0]
    samples[:3] = np.nan
    refused(save(tmp_path / "b.tif", samples), "E_NOT_FINITE")


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path):
    data = bytearray(save(tmp_path / "a.png", grey()).read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = imagecodecs.zlib_crc32(bytes(data[12:29])).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(data))
    refused(tmp_path / "a.png", "E_SIZE_LIMIT")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_picture_cut_short_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    path = save(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "E_TRUNCATED")


def test_several_pictures_in_one_file_are_refused(tmp_path):
    pages = [Image.fromarray(grey()), Image.fromarray(grey())]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    refused(tmp_path / "a.tif", "E_SERIES_AMBIGUOUS")


def test_text_under_a_pictures_name_and_printers_colours_are_refused(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    refused(tmp_path / "a.png", "E_UNSUPPORTED")
    Image.fromarray(colour()).convert("CMYK").save(tmp_path / "b.jpg")
    refused(tmp_path / "b.jpg", "E_UNSUPPORTED")


def test_the_same_picture_has_the_same_digest_in_png_and_tiff(tmp_path):
    paths = [save(tmp_path / name, grey()) for name in ("a.png", "b.tif")]
    assert len({read_image(path).origin.content_digest for path in paths}) == 1


@pytest.mark.shared
def test_a_real_ultrasound_picture_is_read(tmp_path):
    path = sorted(shared("data/breast_ultrasound/images").rglob("*.png"))[0]
    with Image.open(path) as picture:
        expected = np.asarray(picture)
    volume = read_image(path, modality="US")
    assert np.array_equal(volume.voxels[:, :, 0].swapaxes(0, 1), expected)


def test_read_a_bigtiff(tmp_path):
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    Image.fromarray(grey).save(tmp_path / "x.tif", big_tiff=True)
    assert np.array_equal(read_image(tmp_path / "x.tif").voxels[:, :, 0].T, grey)


@pytest.mark.parametrize(("mode", "dtype"), [("L", np.uint8), ("RGB", np.uint8), ("I;16", np.uint16)])
def test_a_grey_or_colour_that_png_names_transparent_counts_as_outside(tmp_path, mode, dtype):
    samples = colour(dtype) if mode == "RGB" else grey(dtype)
    clear = tuple(int(c) for c in samples[0, 0]) if mode == "RGB" else int(samples[0, 0])
    Image.fromarray(samples).save(tmp_path / "x.png", transparency=clear)
    volume = read_image(tmp_path / "x.png")
    expected = (samples == clear).all(axis=2) if mode == "RGB" else samples == clear
    assert "W_ALPHA" in volume.codes
    assert np.array_equal(volume.padding[:, :, 0].T, expected)


def test_a_whole_jpeg_of_another_kind_is_refused_as_such(tmp_path):
    for stream in (
        imagecodecs.jpeg8_encode(grey(np.uint16) >> 4, level=95, bitspersample=12),
        imagecodecs.ljpeg_encode(grey(np.uint16), bitspersample=16),
    ):
        (tmp_path / "x.jpg").write_bytes(bytes(stream))
        refused(tmp_path / "x.jpg", "E_UNSUPPORTED")
