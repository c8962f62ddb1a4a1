"""The Volume of a DICOM series: what travels with the voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medres.io import find_series, read, read_series
from tests.phantoms_dicom import ct_slices, phantom_voxels, renewed, save, save_ct


def test_a_volume_remembers_where_it_came_from(tmp_path: Path) -> None:
    datasets = save_ct(tmp_path)
    series = find_series(tmp_path).series[0]
    origin = read_series(series).origin
    assert origin.series_key == series.key
    assert origin.study_instance_uid == datasets[0].StudyInstanceUID
    assert origin.frame_of_reference_uid == datasets[0].FrameOfReferenceUID
    assert (origin.file_count, len(origin.content_digest), len(origin.patient_key)) == (9, 64, 16)


def test_a_volume_is_frozen_and_lies_in_the_files_order(tmp_path: Path) -> None:
    save_ct(tmp_path)
    volume = read(tmp_path)
    assert not volume.voxels.flags.writeable
    assert volume.voxels.flags.f_contiguous  # i runs fastest, as in the file
    assert volume.voxels.shape == phantom_voxels().shape


def test_warnings_of_headers_and_pixels_travel_with_the_volume(tmp_path: Path) -> None:
    datasets = ct_slices()
    for ds in datasets:
        ds.SliceThickness, ds.LossyImageCompression = 9.0, "01"
        ds.add_new(0x00280120, "US", 24)
    save([*datasets, *renewed(datasets[:1], series=False)], tmp_path)
    codes = {"W_LOSSY", "W_THICKNESS", "W_DUPLICATE", "W_PADDING"}
    assert set(read(tmp_path).codes) == codes
    for headers_only in (True, False):
        series = find_series(tmp_path, headers_only=headers_only).series[0]
        assert set(read_series(series).codes) == codes


@pytest.mark.parametrize(("modality", "units", "expected"), [("CT", "", "HU"), ("MR", "", "1"), ("PT", "BQML", "BQML")])
def test_say_the_unit_of_the_values(tmp_path: Path, modality: str, units: str, expected: str) -> None:
    def name_units(ds: Dataset, k: int) -> None:
        if units:
            ds.Units = units

    save_ct(tmp_path, name_units, modality=modality)
    assert read(tmp_path).unit == expected


def test_a_volume_takes_the_window_of_its_middle_slice(tmp_path: Path) -> None:
    def window(ds: Dataset, k: int) -> None:
        ds.WindowCenter, ds.WindowWidth = 10 * k, 100 + k

    save_ct(tmp_path, window)
    display = read(tmp_path).display
    assert (display.window_center, display.window_width, display.inverted) == (40, 104, False)


def test_padding_survives_where_missing_slices_are_filled(tmp_path: Path) -> None:
    datasets = ct_slices()
    for ds in datasets:
        ds.add_new(0x00280120, "US", 24)  # the first voxel of the first slice
    save([ds for k, ds in enumerate(datasets) if k != 4], tmp_path)
    volume = read(tmp_path, allow_gaps=True)
    assert {"W_GAPS_FILLED", "W_PADDING"} <= set(volume.codes)
    assert volume.padding is not None
    assert np.argwhere(volume.padding).tolist() == [[0, 0, 0]]
