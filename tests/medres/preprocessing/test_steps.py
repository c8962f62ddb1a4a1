"""Each step alone: Volume in, Volume out, with the affine of what came out."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from medres import geometry
from medres.preprocessing import steps
from medres.preprocessing.grid import Grid
from medres.preprocessing.spec import Percentiles, Standardise, Window
from medres.volume import Volume
from tests.small import CT_AFFINE, centroid_mm, noise_volume, picture, sphere_volume


@pytest.mark.parametrize("codes", ["RAS", "SPL", "ILA"])
def test_reorient_equals_nibabel(codes):
    volume = noise_volume(padding=np.random.default_rng(1).random((20, 18, 12)) < 0.5)
    turned = steps.reorient(volume, codes)
    start = nibabel.orientations.io_orientation(volume.affine)
    way = nibabel.orientations.ornt_transform(start, nibabel.orientations.axcodes2ornt(codes))
    want = nibabel.Nifti1Image(volume.voxels, volume.affine).as_reoriented(way)
    assert np.array_equal(turned.voxels, want.get_fdata(dtype=np.float32))
    assert np.allclose(turned.affine, want.affine)
    assert turned.padding.sum() == volume.padding.sum()


def test_without_codes_nothing_is_reoriented():
    volume = picture()
    assert steps.reorient(volume, None) is volume


def test_crop_keeps_what_a_grid_needs_and_where_it_lies():
    volume = sphere_volume((2.0, -1.0, 3.0), shape=(60, 60, 40))
    grid = Grid(geometry.shifted_affine(CT_AFFINE, (6, 8, 6)), (10, 10, 10))
    cropped = steps.crop_around(volume, grid)
    assert cropped.shape < volume.shape
    direct, near = steps.onto_grid(volume, grid), steps.onto_grid(cropped, grid)
    assert np.array_equal(direct.voxels, near.voxels)


def test_a_grid_beside_the_scan_leaves_one_voxel():
    far = Grid(geometry.shifted_affine(CT_AFFINE, (500, 500, 500)), (4, 4, 4))
    assert steps.crop_around(noise_volume(), far).shape == (1, 1, 1)


def test_padding_becomes_air_in_hounsfield_units():
    padding = np.zeros((20, 18, 12), bool)
    padding[:5] = True
    voxels = np.where(padding, -32768.0, 40.0).astype(np.float32)
    filled = steps.replace_padding(Volume(voxels, CT_AFFINE.copy(), "CT", unit="HU", padding=padding))
    assert (filled.voxels[padding] == -1000.0).all()
    assert (filled.voxels[~padding] == 40.0).all()


def test_padding_becomes_the_scans_own_least_value_elsewhere():
    padding = np.zeros((20, 18, 12), bool)
    padding[0] = True
    voxels = np.random.default_rng(0).integers(5, 900, (20, 18, 12)).astype(np.float32)
    voxels[padding] = np.nan
    filled = steps.replace_padding(Volume(voxels, CT_AFFINE.copy(), "MR", padding=padding))
    assert (filled.voxels[padding] == voxels[~padding].min()).all()


def test_colours_become_luminance_by_bt601():
    voxels = np.zeros((3, 1, 1, 3), np.uint8)
    voxels[:, 0, 0] = [[255, 0, 0], [0, 255, 0], [10, 10, 10]]
    grey = steps.to_colours(Volume(voxels, np.eye(4), "US"), "grey").voxels[:, 0, 0]
    assert np.allclose(grey, [76.245, 149.685, 10.0], atol=1e-3)


def test_grey_is_repeated_for_a_model_with_three_colours():
    found = steps.to_colours(picture(), "rgb").voxels
    assert found.shape == (24, 18, 1, 3)
    assert np.array_equal(found[..., 0], found[..., 2])


def test_onto_grid_keeps_the_sphere_in_its_place():
    volume = sphere_volume((2.0, -1.0, 3.0))
    for spacing in ((1.5, 1.5, 1.5), (0.6, 3.0, 1.0)):
        grid = Grid(*geometry.spaced_grid(CT_AFFINE, volume.shape, spacing))
        moved = steps.onto_grid(volume, grid)
        place = centroid_mm(moved.voxels + 1000.0, moved.affine)
        assert np.abs(place - [2.0, -1.0, 3.0]).max() < 0.3


def test_onto_grid_marks_what_lies_outside_as_padding():
    volume = noise_volume()
    grid = Grid(geometry.shifted_affine(volume.affine, (-3, 0, 0)), (23, 18, 12))
    moved = steps.onto_grid(volume, grid)
    assert moved.padding[:3].all()
    assert not moved.padding[3:].any()
    assert (moved.voxels[:3] == -1000.0).all()


def test_window_brings_its_bounds_to_0_and_1():
    voxels = np.array([-2000.0, -1000.0, -300.0, 400.0, 900.0], np.float32).reshape(5, 1, 1)
    scaled = steps.scale_intensity(Volume(voxels, np.eye(4), "CT"), Window(lower=-1000, upper=400)).voxels
    assert np.allclose(scaled.ravel(), [0, 0, 0.5, 1, 1])


def test_percentiles_and_moments_leave_padding_out():
    padding = np.zeros((20, 18, 12), bool)
    padding[:10] = True
    own = np.random.default_rng(0).normal(100, 20, (20, 18, 12)).astype(np.float32)
    volume = Volume(np.where(padding, -5000.0, own).astype(np.float32), CT_AFFINE.copy(), "MR", padding=padding)
    inside = own[~padding]
    standard = steps.scale_intensity(volume, Standardise()).voxels
    assert np.allclose(standard[~padding], (inside - inside.mean()) / inside.std(), atol=1e-4)
    assert standard[padding].max() == standard[~padding].min()
    cut = steps.scale_intensity(volume, Percentiles(lower=5, upper=95)).voxels
    low, high = np.percentile(inside, [5, 95])
    assert np.allclose(cut[~padding], np.clip((inside - low) / (high - low), 0, 1), atol=1e-4)
    assert (cut[padding] == 0.0).all()


def test_foreground_alone_gives_the_moments():
    voxels = np.random.default_rng(0).integers(1, 200, (10, 10, 10)).astype(np.float32)
    voxels[:5] = 0.0
    scaled = steps.scale_intensity(Volume(voxels, np.eye(4), "CT"), Standardise(region="foreground")).voxels
    assert abs(scaled[5:].mean()) < 1e-5
    assert abs(scaled[5:].std() - 1) < 1e-5


@pytest.mark.parametrize("intensity", [Percentiles(), Standardise(), Standardise(region="foreground", threshold=50)])
def test_a_flat_scan_becomes_zero(intensity):
    scaled = steps.scale_intensity(Volume(np.full((3, 3, 3), 7.0, np.float32), np.eye(4), "MR"), intensity)
    assert (scaled.voxels == 0).all()
