"""Lesion points: what is read, and every way in which such a file may be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from medres.datasets.points import Point, check_points, read_points
from medres.errors import DatasetError

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
AFFINE[:3, 3] = [60.0, 40.0, 10.0]
SHAPE = (50, 40, 30)


def written(tmp_path, text):
    """Write a file of points."""
    place = tmp_path / "points.csv"
    place.write_text(text)
    return place


def test_read_points_in_ras_with_and_without_a_diameter(tmp_path):
    text = "x_ras_mm,y_ras_mm,z_ras_mm,diameter_mm\n10.5,-3,20,6\n1,2,3,\n"
    assert read_points(written(tmp_path, text)) == (
        Point((10.5, -3.0, 20.0), 6.0, 2),
        Point((1.0, 2.0, 3.0), None, 3),
    )


def test_points_in_lps_come_out_in_ras(tmp_path):
    (point,) = read_points(written(tmp_path, "z_lps_mm,x_lps_mm,y_lps_mm\n20,10,-3\n"))
    assert point.centre_mm == (-10.0, 3.0, 20.0)


def test_a_header_alone_says_that_there_is_no_lesion(tmp_path):
    for separator in ",;\t":
        assert read_points(written(tmp_path, f"x_ras_mm{separator}y_ras_mm{separator}z_ras_mm\n")) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y,z\n1,2,3\n", "name the frame"),
        ("x_mm,y_mm,z_mm\n1,2,3\n", "name the frame"),
        ("x_ras_mm,y_ras_mm\n1,2\n", "name the frame"),
        ("x_ras_mm,y_ras_mm,z_lps_mm\n1,2,3\n", "name the frame"),
        ("x_ras_mm,y_ras_mm,z_ras_mm,label\n1,2,3,a\n", "name the frame"),
        ("x_ras_mm,y_ras_mm,z_ras_mm\n1,2,3\n1,nan,3\n", "row 3"),
        ("x_ras_mm,y_ras_mm,z_ras_mm\n1,,3\n1,inf,3\n", "rows 2, 3"),
        ("x_ras_mm;y_ras_mm;z_ras_mm\n1,5;2;3\n", "row 2"),
        ("x_ras_mm,y_ras_mm,z_ras_mm,diameter_mm\n1,2,3,-4\n1,2,3,wide\n", "rows 2, 3"),
        ("x_ras_mm,y_ras_mm,z_ras_mm\n1,2\n", "row 2"),
        ("", "nothing"),
    ],
)
def test_reject_a_file_that_could_be_misread(tmp_path, text, told):
    with pytest.raises(DatasetError, match=told) as fault:
        read_points(written(tmp_path, text))
    assert fault.value.code == "E_POINTS"


def test_reject_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match="E_POINTS"):
        read_points(tmp_path / "none.csv")


def test_points_to_the_border_of_the_scan_lie_on_it():
    check_points([Point((60.5, 40.5, 9.0)), Point((10.5, 0.5, 69.0))], AFFINE, SHAPE)


def test_reject_a_point_outside_its_scan_by_row():
    with pytest.raises(DatasetError, match=r"1 of 2 outside \(row 7 ") as fault:
        check_points([Point((20.0, 20.0, 20.0), row=6), Point((62.0, 20.0, 20.0), row=7)], AFFINE, SHAPE)
    assert "voxels" in fault.value.cure


def test_points_of_the_other_frame_are_refused_and_say_so():
    with pytest.raises(DatasetError) as fault:
        check_points([Point((-20.0, -20.0, 20.0))], AFFINE, SHAPE)
    assert "correct the header" in fault.value.cure
