"""Headers that must be refused, each with the element and the numbers in its message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.phantoms_dicom import (
    ct_slices,
    save,
    save_ct,
    set_pixels,
)
from tests.series_verdicts import assert_refused, only, replace_value


def _mosaic() -> list[Dataset]:
    ds = ct_slices(modality="MR")[0]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    return [ds]


def test_reject_mixed_matrix_sizes(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: set_pixels(ds, np.zeros((20, 30), np.uint16)) if k == 2 else None)
    assert_refused(tmp_path, "E_GEOM_MATRIX", "8 of 11 x 14", "1 of 20 x 30")


def test_reject_mixed_pixel_spacing(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PixelSpacing", [1.25, 0.9]) if k == 2 else None)
    assert_refused(tmp_path, "E_GEOM_MATRIX", "pixel spacing", "0.75 to 0.9")


@pytest.mark.parametrize(
    ("name", "code"),
    [("PixelSpacing", "E_NO_SPACING"), ("ImagePositionPatient", "E_NO_POSITION"),
     ("ImageOrientationPatient", "E_NO_POSITION"), ("RescaleSlope", "E_NO_RESCALE"),
     ("RescaleIntercept", "E_NO_RESCALE")],
)  # fmt: skip
def test_reject_slices_without_what_geometry_and_values_need(tmp_path: Path, name: str, code: str) -> None:
    save_ct(tmp_path, lambda ds, k: delattr(ds, name) if k in (1, 2) else None)
    assert_refused(tmp_path, code, "2 of 9 do not")


def test_do_not_take_the_detectors_spacing_for_a_volume(tmp_path: Path) -> None:
    def swap(ds: Dataset, k: int) -> None:
        del ds.PixelSpacing
        ds.ImagerPixelSpacing = [1.25, 0.75]

    save_ct(tmp_path, swap)
    assert_refused(tmp_path, "E_NO_SPACING", "9 of 9")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PixelSpacing", b"nan\\0.75 ", "PixelSpacing must be finite"),
        ("PixelSpacing", b"0\\0.75", "PixelSpacing must be > 0 mm, got 0 x 0.75"),
        ("PixelSpacing", b"-1\\0.75 ", "PixelSpacing must be > 0 mm, got -1 x 0.75"),
        ("RescaleSlope", b"0 ", "RescaleSlope must be a number other than 0"),
        ("RescaleSlope", b"NaN ", "RescaleSlope must be finite"),
        ("RescaleSlope", b"Doe^Jane", "RescaleSlope must be a number, got text that is none"),
        ("ImageOrientationPatient", b"1\\0\\0\\0\\2\\0 ", "must be two unit vectors, got lengths 1.0000 and 2.0000"),
        ("ImageOrientationPatient", b"1\\0\\0\\1\\0\\0 ", "right angles, got dot product 1.0000"),
        ("ImagePositionPatient", b"1\\2 ", "ImagePositionPatient must be 3 numbers, got 2"),
    ],
)
def test_reject_header_values_and_name_the_element(tmp_path: Path, name: str, value: bytes, words: str) -> None:
    paths = save(ct_slices(), tmp_path)
    for path in paths[3:5]:
        replace_value(path, name, value)
    assert_refused(tmp_path, "E_HEADER_VALUE", words, "in 2 of 9 files of the series, number ")


def test_reject_mosaic_with_its_reason(tmp_path: Path) -> None:
    save(_mosaic(), tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "mosaic", "dcm2niix")


def test_refuse_slices_of_opposite_polarity_unless_they_are_hu(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        ds.PhotometricInterpretation = "MONOCHROME1" if k == 4 else "MONOCHROME2"

    save_ct(tmp_path / "mr", change, modality="MR")
    assert_refused(tmp_path / "mr", "E_HEADER_VALUE", "MONOCHROME1 in 1 of 9")
    save_ct(tmp_path / "ct", change)
    assert only(tmp_path / "ct").codes == ("W_MONO1",)


def test_name_the_spacings_of_the_axis_that_differs(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PixelSpacing", [1.25, 0.75 + 0.05 * (k == 3)]))
    assert_refused(tmp_path, "E_GEOM_MATRIX", "got 0.75 to 0.8 mm")
