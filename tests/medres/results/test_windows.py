import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels import apply_windowing

from medres.results.windows import CT_PRESETS, DisplayWindow, apply_window, first_window, preset_name
from medres.volume import Display, Volume


def volume(voxels, **changes):
    return Volume(np.asarray(voxels, float).reshape(-1, 1, 1), np.eye(4), "CT", **changes)


def slow_level(value, center, width):
    """PS3.3 C.11.2.1.2.1 as it is written there."""
    if value <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if value > center - 0.5 + (width - 1) / 2:
        return 255.0
    return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255


@given(st.floats(-3000, 3000), st.floats(-1000, 1000), st.floats(1.5, 4000))
def test_window_follows_the_dicom_formula(value, center, width):
    level = int(apply_window([value], DisplayWindow(center, width))[0])
    assert abs(level - slow_level(value, center, width)) <= 0.5 + 1e-6


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT"])
def test_window_equals_pydicoms(function):
    header = pydicom.Dataset()
    header.WindowCenter, header.WindowWidth, header.VOILUTFunction = 40, 350, function
    header.PhotometricInterpretation, header.BitsStored, header.PixelRepresentation = "MONOCHROME2", 8, 0
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    values = np.arange(256)
    theirs = apply_windowing(values, header)
    ours = apply_window(values, DisplayWindow(40, 350, function.lower()))
    assert np.abs(ours - theirs).max() <= 0.5 + 1e-6


def test_width_one_is_a_step():
    assert apply_window([9.4, 9.5, 9.6, np.nan], DisplayWindow(10, 1)).tolist() == [0, 0, 255, 0]


def test_first_window_is_the_files_own():
    scan = volume([0, 1], display=Display(window_center=50.0, window_width=350.0))
    assert first_window(scan) == DisplayWindow(50, 350)


def test_first_window_without_one_in_the_file_leaves_padding_out():
    padding = np.zeros((101, 1, 1), bool)
    padding[0] = True
    scan = volume([-30000, *range(100)], padding=padding)
    lower, upper = first_window(scan).bounds
    assert (round(lower), round(upper)) == (1, 98)


def test_presets_are_width_and_level_as_readers_know_them():
    assert {name: (p.width, p.center) for name, p in CT_PRESETS.items()} == {
        "brain": (80, 40),
        "subdural": (200, 75),
        "stroke": (40, 40),
        "lung": (1500, -600),
        "mediastinum": (350, 50),
        "abdomen": (400, 50),
        "liver": (150, 30),
        "bone": (1800, 400),
    }
    assert preset_name(DisplayWindow(1, 2)) == "custom"


def test_some_voxels_of_a_large_scan_choose_its_first_window(monkeypatch):
    voxels = np.random.default_rng(0).normal(40, 100, (60, 60, 60)).astype(np.float32)
    voxels[:20] = np.nan  # what no scanner stored decides nothing
    scan = Volume(voxels, np.eye(4), "MR")
    whole = first_window(scan)
    monkeypatch.setattr("medres.results.windows.ENOUGH_VOXELS", 27_000)
    assert first_window(scan).center == pytest.approx(whole.center, abs=10)
    assert first_window(scan).width == pytest.approx(whole.width, rel=0.05)
