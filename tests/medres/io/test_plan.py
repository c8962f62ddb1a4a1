"""Order, duplicates and single slices: what a sound or doubled series becomes."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from medres.io import find_series, read
from tests.phantoms_dicom import (
    MARKER,
    Geometry,
    ct_slices,
    marker_mm,
    phantom_voxels,
    renewed,
    save,
    save_ct,
    set_pixels,
    stored_pixels,
)
from tests.series_verdicts import assert_refused, only


def test_accept_regular_series(tmp_path: Path) -> None:
    save_ct(tmp_path)
    series = only(tmp_path)
    assert (series.verdict, series.codes, series.message) == ("ok", (), "")
    assert series.spacing_mm == pytest.approx((0.75, 1.25, 2.5))
    assert (series.orientation, series.modality, series.checked) == ("LPS", "CT", "pixels")
    volume = read(tmp_path)
    assert np.array_equal(volume.voxels, phantom_voxels())
    assert volume.voxels.dtype == np.int16
    assert volume.unit == "HU"
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(Geometry().point_ras(MARKER), abs=1e-4)


def test_keep_one_of_two_identical_slices(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets, *renewed(datasets[4:5], series=False)], tmp_path)
    series = only(tmp_path)
    assert (series.verdict, series.codes, series.file_count) == ("warned", ("W_DUPLICATE",), 9)
    assert "1 left out" in series.message
    skipped = find_series(tmp_path).skipped
    assert [s.code for s in skipped] == ["W_DUPLICATE"]
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_keep_one_of_two_copies_of_one_instance(tmp_path: Path) -> None:
    datasets = ct_slices()
    save(datasets, tmp_path / "a")
    save(datasets[2:4], tmp_path / "b")
    assert only(tmp_path).codes == ("W_DUPLICATE",)
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_reject_two_different_slices_at_one_position(tmp_path: Path) -> None:
    datasets = ct_slices()
    twin = renewed(datasets[4:5], series=False)[0]
    set_pixels(twin, stored_pixels(twin) + np.uint16(3))
    save([*datasets, twin], tmp_path)
    assert_refused(tmp_path, "E_GEOM_DUPLICATE", "1 of 9 positions hold two slices with different pixels")


def test_reject_series_whose_slices_all_lie_at_one_position(tmp_path: Path) -> None:
    first = Geometry().position(0)
    save_ct(tmp_path, lambda ds, k: setattr(ds, "ImagePositionPatient", list(first)))
    assert_refused(tmp_path, "E_GEOM_DUPLICATE", "all 9 lie at one")


def test_accept_reversed_instance_numbers_and_mirrored_orientation(tmp_path: Path) -> None:
    save_ct(tmp_path / "a", lambda ds, k: setattr(ds, "InstanceNumber", 100 - k))
    mirrored = Geometry(orientation=((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    save_ct(tmp_path / "b", geometry=mirrored)
    assert np.array_equal(read(tmp_path / "a").voxels, phantom_voxels())
    volume = read(tmp_path / "b")
    assert volume.codes == ()
    assert volume.orientation == "RPI"
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(mirrored.point_ras(MARKER), abs=1e-4)


def test_warn_of_a_thickness_unlike_the_spacing(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "SliceThickness", 5.0))
    series = only(tmp_path)
    assert series.codes == ("W_THICKNESS",)
    assert series.spacing_mm[2] == pytest.approx(2.5)


def test_accept_one_slice_alone(tmp_path: Path) -> None:
    save(ct_slices()[:1], tmp_path)
    volume = read(tmp_path)
    assert volume.shape == (14, 11, 1)
    assert volume.frame == "patient"


def test_do_not_take_equal_identifiers_at_different_places_for_one_instance(tmp_path: Path) -> None:
    uid = generate_uid()
    save_ct(tmp_path, lambda ds, k: setattr(ds, "SOPInstanceUID", uid))
    assert only(tmp_path).file_count == 9
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_headers_only_leaves_pixels_alone_and_says_so(tmp_path: Path) -> None:
    datasets = ct_slices()
    twin = copy.deepcopy(datasets[4])
    save([*datasets, twin], tmp_path)
    series = only(tmp_path, headers_only=True)
    assert (series.checked, series.codes) == ("headers", ("W_DUPLICATE",))


def test_a_single_slice_takes_its_thickness_and_without_one_says_so(tmp_path: Path) -> None:
    slices = ct_slices()[3:4]
    save(slices, tmp_path / "thick")
    del slices[0].SliceThickness
    save(slices, tmp_path / "bare")
    assert only(tmp_path / "thick").codes == ()
    assert read(tmp_path / "thick").spacing_mm == pytest.approx((0.75, 1.25, 2.5))
    assert only(tmp_path / "bare").codes == ("W_SPACING_UNKNOWN",)
    assert not read(tmp_path / "bare").spacing_known
