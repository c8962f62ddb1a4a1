"""Small pictures in true proportions."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medres.errors import IntakeError
from medres.io import find_series
from medres.review.thumbnails import SIDE, thumbnail_of_series, thumbnail_of_volume
from medres.volume import Volume
from tests.phantoms_dicom import save_ct


def opened(png):
    return Image.open(io.BytesIO(png))


def test_a_thumbnail_has_true_proportions():
    volume = Volume(np.zeros((20, 10, 4), np.int16), np.diag([-1.0, -4.0, 2.0, 1.0]), "CT", "HU")
    assert opened(thumbnail_of_volume(volume)).size == (SIDE // 2, SIDE)


def test_a_stack_of_files_is_drawn_from_its_middle_file_alone(tmp_path):
    save_ct(tmp_path)
    series = find_series(tmp_path, headers_only=True).series[0]
    whole = opened(thumbnail_of_series(series))
    middle = len(series.paths) // 2
    for path in (*series.paths[:middle], *series.paths[middle + 1 :]):
        path.unlink()
    assert opened(thumbnail_of_series(series)).size == whole.size


def test_a_file_that_is_gone_is_an_intake_error(tmp_path):
    save_ct(tmp_path)
    series = find_series(tmp_path, headers_only=True).series[0]
    for path in series.paths:
        path.unlink()
    with pytest.raises(IntakeError):
        thumbnail_of_series(series)
