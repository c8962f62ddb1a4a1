"""Measurements lie on the picture where they were drawn on the scan."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import StoreError
from medres.results.disclaimer import Stamp
from medres.results.outlines import GREEN, Outline
from medres.results.pictures import LONG_SIDE, Shot, draw_picture
from medres.volume import Volume

STAMP = Stamp("tiny", "1", "2026-01-31")
SIDE = 26  # voxels


def green(outline, affine, plane="axial"):
    """Middle (column, row) of what is drawn in green, and its extent, in voxels of the picture."""
    volume = Volume(np.zeros((SIDE, SIDE, SIDE), np.int16), affine, "CT")
    page = draw_picture(Shot(volume, plane, 5, outlines=(outline,)), STAMP)[:LONG_SIDE]
    rows, columns = np.nonzero((page == GREEN).all(axis=-1))
    ends = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]]) * SIDE / LONG_SIDE
    return ends.mean(axis=0), np.ptp(ends, axis=0)


@pytest.mark.parametrize(
    ("affine", "column", "row"),
    [(np.diag([-1.0, -1, 1, 1]), 8.0, 13.0), (np.diag([1.0, 1, 1, 1]), SIDE - 1 - 8.0, SIDE - 1 - 13.0)],
)
def test_a_length_lies_where_it_was_drawn_whichever_way_the_scan_runs(affine, column, row):
    middle, extent = green(Outline("length", ((4, 13, 5), (12, 13, 5))), affine)
    np.testing.assert_allclose(middle, (column + 0.5, row + 0.5), atol=0.6)
    np.testing.assert_allclose(extent, (8, 0), atol=0.6)


def test_an_ellipse_fills_its_box_and_an_angle_its_three_points():
    _, extent = green(Outline("ellipse", ((6, 8, 5), (16, 12, 5))), np.diag([-1.0, -1, 1, 1]))
    np.testing.assert_allclose(extent, (10, 4), atol=0.6)
    _, extent = green(Outline("angle", ((4, 5, 4), (10, 5, 4), (10, 5, 12))), np.diag([-1.0, -1, 1, 1]), "coronal")
    np.testing.assert_allclose(extent, (6, 8), atol=0.6)


@pytest.mark.parametrize("corners", [((4, 8, 5), (12, 16, 5)), ((16, 8, 5), (25, 16, 5)), ((0, 0, 5), (25, 25, 5))])
def test_the_words_stand_beside_what_was_measured_and_on_the_picture(corners):
    _, bare = green(Outline("ellipse", corners), np.diag([-1.0, -1, 1, 1]))
    middle, extent = green(Outline("ellipse", corners, "mean 41.2 HU"), np.diag([-1.0, -1, 1, 1]))
    assert middle[0] - extent[0] / 2 >= 0
    assert middle[0] + extent[0] / 2 <= SIDE
    if corners[1] != (25, 25, 5):  # a drawing as wide as the picture leaves no room
        assert extent[0] > bare[0] + 3


@pytest.mark.parametrize(
    ("kind", "points", "text"),
    [
        ("arrow", ((0, 0, 0), (1, 1, 1)), ""),
        ("length", ((0, 0, 0),), ""),
        ("angle", ((0, 0, 0), (1, 1, 1)), ""),
        ("length", ((0, 0, 0), (1, 1)), ""),
        ("length", ((0, 0, 0), (float("nan"), 1, 1)), ""),
        ("length", ((0, 0, 0), (1e9, 1, 1)), ""),
        ("length", ((0, 0, 0), (1, 1, 1)), "x" * 201),
    ],
)
def test_reject_measurements_that_no_canvas_gives(kind, points, text):
    with pytest.raises(StoreError, match="E_USAGE"):
        Outline(kind, points, text)
