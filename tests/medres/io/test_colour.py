"""Colour inside DICOM: refused as a volume, converted to red, green and blue as a picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import convert_color_space
from pydicom.uid import JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from medres.errors import IntakeError
from medres.io import find_series, read, read_series
from tests.phantoms_dicom import ct_slices, put_stream, radiograph, save, with_meta
from tests.series_verdicts import assert_refused, only

RGB = (np.arange(10 * 12 * 3).reshape(10, 12, 3) * 7 % 256).astype(np.uint8)


def colour_picture(samples: np.ndarray = RGB, photometric: str = "RGB", modality: str = "US") -> Dataset:
    """Make a colour picture (rows, columns, 3)."""
    ds = radiograph(np.zeros(samples.shape[:2], np.uint8), modality)
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, photometric
    ds.PixelData = samples.tobytes()
    ds["PixelData"].VR = "OB"
    ds.BurnedInAnnotation = "NO"
    return with_meta(ds)


def test_read_rgb_ultrasound_as_a_colour_picture(tmp_path: Path) -> None:
    save([colour_picture()], tmp_path)
    volume = read(tmp_path)
    assert volume.is_colour
    assert volume.shape == (12, 10, 1)
    assert np.array_equal(volume.voxels[:, :, 0], RGB.transpose(1, 0, 2))
    assert volume.codes == ("W_SPACING_UNKNOWN",)


def test_read_planar_samples(tmp_path: Path) -> None:
    ds = colour_picture()
    ds.PlanarConfiguration, ds.PixelData = 1, RGB.transpose(2, 0, 1).tobytes()
    save([ds], tmp_path)
    assert np.array_equal(read(tmp_path).voxels[:, :, 0], RGB.transpose(1, 0, 2))


def test_convert_ybr_and_say_so(tmp_path: Path) -> None:
    ybr = convert_color_space(RGB, "RGB", "YBR_FULL")
    save([colour_picture(ybr, "YBR_FULL")], tmp_path)
    volume = read(tmp_path)
    assert "W_YBR" in volume.codes
    assert np.abs(volume.voxels[:, :, 0].astype(int) - RGB.transpose(1, 0, 2)).max() <= 2


def test_read_baseline_jpeg_in_colour_and_grey(tmp_path: Path) -> None:
    smooth = np.stack([np.add.outer(np.arange(32), np.arange(40)) * f for f in (1, 2, 3)], axis=-1).astype(np.uint8)
    for name, samples in (("colour", smooth), ("grey", smooth[..., 0])):
        buffer = BytesIO()
        Image.fromarray(samples).save(buffer, "JPEG", quality=98, subsampling=0)
        ds = colour_picture(smooth, "YBR_FULL_422") if name == "colour" else radiograph(samples, "DX")
        put_stream(ds, JPEGBaseline8Bit, buffer.getvalue())
        save([ds], tmp_path / name)
        volume = read(tmp_path / name)
        assert {"W_LOSSY", "W_YBR"} & set(volume.codes) == ({"W_LOSSY", "W_YBR"} if name == "colour" else {"W_LOSSY"})
        found = volume.voxels[:, :, 0].astype(int)
        assert np.abs(found - samples.swapaxes(0, 1)).max() <= 6


def test_convert_palette_and_say_so(tmp_path: Path) -> None:
    indices = np.arange(120, dtype=np.uint8).reshape(10, 12)
    ds = radiograph(indices, "US", "PALETTE COLOR")
    tables = {name: (np.arange(256) * factor % 256).astype(np.uint16) * 257
              for name, factor in (("Red", 1), ("Green", 3), ("Blue", 5))}  # fmt: skip
    for name, table in tables.items():
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"{name}PaletteColorLookupTableData", table.tobytes())
    save([ds], tmp_path)
    volume = read(tmp_path)
    assert "W_PALETTE" in volume.codes
    assert np.array_equal(volume.voxels[:, :, 0, 1], tables["Green"][indices.T])


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "PALETTE COLOR"])
def test_refuse_colour_in_a_volume(tmp_path: Path, photometric: str) -> None:
    slices = ct_slices(modality="MR")
    for ds in slices:
        ds.PhotometricInterpretation = photometric
        if photometric != "PALETTE COLOR":
            ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PixelData = 3, 0, ds.PixelData * 3
    save(slices, tmp_path)
    assert_refused(tmp_path, "E_COLOUR", "a volume must be grey")


def test_reject_short_colour_pixels(tmp_path: Path) -> None:
    ds = colour_picture()
    ds.PixelData = ds.PixelData[:200]
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_TRUNCATED", "must hold 360 bytes")


def test_read_run_length_colour_and_refuse_it_damaged(tmp_path: Path) -> None:
    ds = colour_picture()
    ds.compress(RLELossless, generate_instance_uid=False)
    path = save([ds], tmp_path)[0]
    assert np.array_equal(read(tmp_path).voxels[:, :, 0], RGB.transpose(1, 0, 2))
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(tmp_path, "E_TRUNCATED")


def test_notice_a_colour_picture_that_changes(tmp_path: Path) -> None:
    path = save([colour_picture()], tmp_path)[0]
    series = only(tmp_path, headers_only=True)
    with path.open("ab") as file:
        file.write(b"\0\0")
    with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        read_series(series)


def test_warn_of_secondary_captures_of_a_ct(tmp_path: Path) -> None:
    ds = colour_picture(modality="SC")
    ds.Modality = "CT"
    del ds.BurnedInAnnotation
    save([ds], tmp_path)
    found = find_series(tmp_path).series[0]
    assert (found.verdict, found.orientation) == ("warned", "detector")
    assert "W_BURNED_IN" in found.codes


def test_read_native_ybr_whose_neighbours_share_their_colour(tmp_path: Path) -> None:
    ybr = convert_color_space(np.repeat(RGB[:, ::2], 2, axis=1), "RGB", "YBR_FULL")
    ds = colour_picture(ybr, "YBR_FULL_422")
    pairs = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=-1)
    ds.PixelData = pairs.tobytes()
    save([ds], tmp_path)
    voxels = read(tmp_path).voxels[:, :, 0].astype(int)  # (i, j, 3)
    assert np.abs(voxels.transpose(1, 0, 2) - np.repeat(RGB[:, ::2], 2, axis=1)).max() <= 2
    assert "W_YBR" in only(tmp_path).codes


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_decode_lossless_jpeg_in_colour(tmp_path: Path, photometric: str) -> None:
    samples = RGB if photometric == "RGB" else convert_color_space(RGB, "RGB", photometric)
    ds = colour_picture(samples, photometric)
    put_stream(ds, JPEGLosslessSV1, bytes(imagecodecs.jpeg8_encode(samples, lossless=True, colorspace="RGB")))
    save([ds], tmp_path)
    voxels = read(tmp_path).voxels[:, :, 0].transpose(1, 0, 2).astype(int)
    assert np.abs(voxels - RGB).max() <= (0 if photometric == "RGB" else 2)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_decode_jpegls_in_colour_and_refuse_it_without_an_end(tmp_path: Path, photometric: str) -> None:
    samples = RGB if photometric == "RGB" else convert_color_space(RGB, "RGB", "YBR_FULL")
    stream = bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(samples)))
    for name, cut in (("whole", 0), ("cut", 20)):
        ds = colour_picture(samples, photometric)
        put_stream(ds, JPEGLSLossless, stream[: len(stream) - cut])
        save([ds], tmp_path / name)
    found = read(tmp_path / "whole").voxels[:, :, 0].transpose(1, 0, 2)
    assert np.abs(found.astype(int) - RGB).max() <= (0 if photometric == "RGB" else 2)
    assert only(tmp_path / "cut").codes == ("E_TRUNCATED",)
