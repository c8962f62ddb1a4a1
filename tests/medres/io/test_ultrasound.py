"""The calibrated regions of an ultrasound picture: one scale gives the spacing, any doubt gives none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medres.io import read
from tests.phantoms_dicom import radiograph, save
from tests.series_verdicts import only

PICTURE = np.arange(80, dtype=np.uint8).reshape(8, 10)


def region(delta_x: float = 0.02, delta_y: float = 0.03, unit: int = 3, spatial_format: int = 1) -> Dataset:
    """Make one region: cm for each pixel."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial_format, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 1, 1, 8, 6
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = unit, unit
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta_x, delta_y
    return item


def ultrasound(folder: Path, *regions: Dataset) -> Path:
    ds = radiograph(PICTURE, "US")
    ds.SequenceOfUltrasoundRegions = list(regions)
    save([ds], folder)
    return folder


def test_one_region_in_centimetres_gives_the_spacing(tmp_path: Path) -> None:
    volume = read(ultrasound(tmp_path, region(delta_y=-0.03)))
    assert volume.spacing_known
    assert volume.spacing_mm[:2] == pytest.approx((0.2, 0.3))  # (i, j): columns, rows
    assert "W_REGION_SPACING" in volume.codes


def test_regions_that_agree_give_it_too_and_other_formats_do_not_count(tmp_path: Path) -> None:
    series = only(ultrasound(tmp_path, region(), region(), region(1.0, 1.0, spatial_format=2)))
    assert series.spacing_mm is not None
    assert series.spacing_mm[:2] == pytest.approx((0.2, 0.3))


@pytest.mark.parametrize(
    "regions",
    [
        [region(), region(0.04, 0.06)],
        [region(), region(unit=0)],
        [region(unit=4)],
        [region(delta_x=0.0)],
        [region(delta_x=float("nan"))],
        [region(spatial_format=3)],
        [],
    ],
    ids=["two scales", "one uncalibrated", "seconds", "zero", "nan", "spectrum", "none"],
)
def test_any_doubt_leaves_the_spacing_unknown(tmp_path: Path, regions: list[Dataset]) -> None:
    series = only(ultrasound(tmp_path, *regions))
    assert series.spacing_mm is None
    assert "W_SPACING_UNKNOWN" in series.codes


def test_pixel_spacing_goes_first(tmp_path: Path) -> None:
    ds = radiograph(PICTURE, "US")
    ds.PixelSpacing, ds.SequenceOfUltrasoundRegions = [0.5, 0.4], [region()]
    save([ds], tmp_path)
    assert read(tmp_path).spacing_mm[:2] == pytest.approx((0.4, 0.5))
