"""A sheet shows each row on its first picture's scale, volumes as readers hang them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from medres.results.contact_sheet import SheetRow, contact_sheet, middle_picture
from medres.results.disclaimer import Stamp


def test_a_volume_hangs_with_the_patients_right_on_the_left_and_the_front_on_top():
    volume = np.zeros((1, 6, 8, 3), np.float32)
    volume[0, 5, 7, 1] = 1.0  # rightmost and foremost in "RAS"
    assert np.argwhere(middle_picture(volume, "RAS")).tolist() == [[0, 0]]
    assert np.argwhere(middle_picture(np.flip(volume, (1, 2)), "LPS")).tolist() == [[0, 0]]


def test_pictures_stay_as_they_are():
    picture = np.arange(12.0).reshape(1, 3, 4)
    assert np.array_equal(middle_picture(picture), picture[0])
    assert middle_picture(np.zeros((3, 5, 4))).shape == (5, 4, 3)


def test_a_sheet_shows_a_darker_variant_darker():
    scan = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (1, 16, 1))
    png = contact_sheet([SheetRow("scan", [scan, scan * 0.2], ["as it is", "dark"])], Stamp("m", "1"), title="sheet")
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)
    dark = shown < 250  # pictures and words
    columns = np.flatnonzero(dark.mean(0) > 0.5)
    left, right = np.array_split(columns, [np.flatnonzero(np.diff(columns) > 1)[0] + 1])
    middle = slice(shown.shape[0] // 2 - 5, shown.shape[0] // 2 + 5)
    assert shown[middle][:, left].mean() > 2 * shown[middle][:, right].mean()
