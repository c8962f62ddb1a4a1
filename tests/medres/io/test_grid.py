"""Gaps, uneven slices, tilt: the geometry rows of the DICOM fault table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medres.errors import IntakeError
from medres.io import read
from medres.io.grid import build_grid
from tests.phantoms_dicom import (
    AXIAL,
    MARKER,
    Geometry,
    ct_slices,
    marker_mm,
    phantom_voxels,
    save,
    save_ct,
    set_pixels,
)
from tests.series_verdicts import assert_refused, only


def test_reject_series_with_missing_slice(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:5], *datasets[6:]], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "gap 5.00 mm after slice 5 of 8", "expected 2.50 mm", "one slice appears")


def test_reject_series_with_two_missing_slices(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:2], *datasets[4:]], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "gap 7.50 mm after slice 2 of 7", "2 slices appear missing")


def test_reject_series_where_half_of_the_slices_is_missing(tmp_path: Path) -> None:
    save([ds for k, ds in enumerate(ct_slices()) if k not in (3, 5, 7)], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "after slice 3 of 6", "expected 2.50 mm", "3 slices appear missing")


def test_fill_missing_slice_where_gaps_are_allowed(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:5], *datasets[6:]], tmp_path)
    volume = read(tmp_path, allow_gaps=True)
    assert volume.shape == phantom_voxels().shape
    assert "W_GAPS_FILLED" in volume.codes
    assert volume.notes["slices_filled"] == 1
    whole = phantom_voxels().astype(np.float32)
    assert np.array_equal(volume.voxels[:, :, 4], whole[:, :, 4])
    assert np.allclose(volume.voxels[:, :, 5], (whole[:, :, 4] + whole[:, :, 6]) / 2)
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(Geometry().point_ras(MARKER), abs=1e-4)


def test_reject_uneven_spacing(tmp_path: Path) -> None:
    def shift(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 0.03 * k * k]

    save_ct(tmp_path, shift)
    assert_refused(tmp_path, "E_GEOM_UNEVEN", "all gaps must be 2.74", "from 2.530 to 2.950 mm")


def test_resample_uneven_spacing_when_asked(tmp_path: Path) -> None:
    def shift(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 0.03 * k * k]
        set_pixels(ds, np.full((6, 5), round(100 * (k * 2.5 + 0.03 * k * k)), np.uint16))
        ds.RescaleIntercept = 0

    save_ct(tmp_path, shift)
    volume = read(tmp_path, resample_uneven=True)
    assert "W_UNEVEN_RESAMPLED" in volume.codes
    height = volume.affine[2, 2] * np.arange(volume.shape[2])
    assert np.allclose(volume.voxels[2, 2], 100 * height, atol=1.0)  # a ramp stays a ramp
    assert height[-1] == pytest.approx(8 * 2.5 + 0.03 * 64)


def test_reject_small_errors_that_add_up_to_half_a_slice() -> None:
    heights = np.concatenate([[0], np.cumsum(np.repeat([2.524, 2.476], 60))])  # every gap within 1 % of the median
    positions = np.array([[0.0, 0.0, z] for z in heights])
    with pytest.raises(IntakeError, match="E_GEOM_UNEVEN: slices must lie on a straight line"):
        build_grid(AXIAL, positions, (1.0, 1.0))


def test_accept_jitter_of_a_micrometre(tmp_path: Path) -> None:
    def jitter(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 1e-3 * (-1) ** k]

    save_ct(tmp_path, jitter)
    assert only(tmp_path).codes == ()


@pytest.mark.parametrize("degrees", [-12.0, 3.0, 20.0])
def test_accept_gantry_tilt_with_its_exact_geometry(tmp_path: Path, degrees: float) -> None:
    geometry = Geometry(tilt_degrees=degrees)
    save_ct(tmp_path, geometry=geometry)
    series = only(tmp_path)
    assert series.codes == ("W_TILT",)
    assert f"{abs(degrees):g} degrees" in series.message
    volume = read(tmp_path)
    assert volume.notes["tilt_degrees"] == pytest.approx(abs(degrees), abs=1e-3)
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(geometry.point_ras(MARKER), abs=1e-4)


def test_reject_slices_that_do_not_lie_on_a_line(tmp_path: Path) -> None:
    def aside(ds: Dataset, k: int) -> None:
        if k >= 5:
            ds.ImagePositionPatient = [ds.ImagePositionPatient[0] + 4.0, *ds.ImagePositionPatient[1:]]

    save_ct(tmp_path, aside)
    assert_refused(tmp_path, "E_GEOM_UNEVEN", "straight line")


def test_notice_a_missing_slice_between_slices_that_lie_microns_apart(tmp_path: Path) -> None:
    datasets = ct_slices(geometry=Geometry(slice_spacing=0.008, row_spacing=0.01, column_spacing=0.01))
    save(datasets, tmp_path / "whole")
    save([*datasets[:5], *datasets[6:]], tmp_path / "lost")
    assert np.array_equal(read(tmp_path / "whole").voxels, phantom_voxels())
    assert_refused(tmp_path / "lost", "E_GEOM_GAP", "after slice 5 of 8", "one slice appears")
