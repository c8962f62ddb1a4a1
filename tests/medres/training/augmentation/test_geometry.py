"""Each change moves what it says, on the axis it says, by no more than it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from medres.training.augmentation.geometry import build_bends, build_matrices, spread_matrices
from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units
from tests.medres.training.augmentation.batches import batch_of, generator


@pytest.mark.parametrize(("dims", "axis", "place"), [(2, "i", 2), (2, "j", 1), (3, "i", 1), (3, "j", 2), (3, "k", 3)])
def test_flip_reverses_the_named_axis_of_some_scans_and_no_other(dims, axis, place):
    batch = batch_of(dims, 12)
    found = augment(batch, AugmentationSpec(flips=(axis,)), generator())
    kinds = {
        "same" if torch.equal(a, b) else "flipped" if torch.equal(a.flip(place), b) else "wrong"
        for a, b in zip(batch, found, strict=True)
    }
    assert kinds == {"same", "flipped"}


def test_quarter_turns_keep_every_voxel_and_skip_planes_that_are_not_square():
    cube = torch.rand(8, 1, 6, 6, 4, generator=generator())
    spec = AugmentationSpec(quarter_turns=("ij", "jk"))
    found = augment(cube, spec, generator())
    torch.testing.assert_close(found.flatten(1).sort(1).values, cube.flatten(1).sort(1).values)
    torch.testing.assert_close(found.sum((1, 2, 3)), cube.sum((1, 2, 3)))  # slices along k stay where they are


def test_rotation_is_rigid_in_voxels_although_the_grid_is_not_square():
    spec = AugmentationSpec(rotation_degrees=(40.0,))
    matrix = build_matrices(1, (20, 40), spec, generator(3))[0].double().numpy()
    edges = np.array([40.0, 20.0])  # affine_grid names the last axis first
    linear = np.diag(edges) @ matrix[:, :2] @ np.diag(1 / edges)
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-6)
    assert abs(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))) <= 40


def test_rotation_about_k_agrees_with_scipy():
    spec = AugmentationSpec(rotation_degrees=(30.0,))
    smooth = torch.from_numpy(ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(24, 24, 6)), 2)).float()
    found = augment(smooth[None, None], spec, generator(5))[0, 0].numpy()
    linear = build_matrices(1, (24, 24, 6), spec, generator(5))[0].numpy()
    angle = np.degrees(np.arctan2(linear[1, 2], linear[1, 1]))
    turned = [ndimage.rotate(smooth.numpy(), sign * angle, axes=(0, 1), reshape=False, order=1) for sign in (1, -1)]
    inner = (slice(6, 18), slice(6, 18))
    assert min(np.abs(t[inner] - found[inner]).max() for t in turned) < 0.02 * np.ptp(smooth.numpy())


def test_shift_moves_by_a_share_of_the_axis():
    line = torch.arange(20.0).view(1, 1, 1, 20).repeat(1, 1, 20, 1)
    found = augment(line, AugmentationSpec(shift=0.2), generator(2))
    moved = (found - line)[0, 0, :, 6:14]
    assert 0 < moved.abs().max() <= 4.001
    torch.testing.assert_close(moved, moved[:1, :1].expand_as(moved), atol=1e-4, rtol=0)


def test_shift_in_mm_moves_by_so_many_voxels_of_each_axis():
    batch = torch.arange(40.0).view(1, 1, 1, 40).repeat(1, 1, 40, 1)  # grows along columns, of 0.5 mm
    spec, units = AugmentationSpec(shift_mm=3.0), Units(spacing_mm=(100.0, 0.5))
    found = torch.stack([augment(batch, spec, generator(seed), units) - batch for seed in range(20)])
    moved = found[:, 0, 0, 20, 10:30].abs()
    assert 4.0 < moved.max() <= 6.001


def test_rotation_is_rigid_in_mm_where_the_spacing_is_known():
    spec = AugmentationSpec(rotation_degrees=(40.0,))
    matrix = build_matrices(1, (20, 40), spec, generator(3), Units(spacing_mm=(2.0, 0.5)))[0].double().numpy()
    edges = np.array([20.0, 40.0])  # mm; affine_grid names the last axis first
    linear = np.diag(edges) @ matrix[:, :2] @ np.diag(1 / edges)
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-6)


def test_crop_shows_a_window_that_lies_within_the_scan():
    line = torch.arange(40.0).view(1, 1, 40, 1).repeat(16, 1, 1, 12)
    found = augment(line, AugmentationSpec(crop=0.5), generator())[:, 0, :, 6]
    steps = found[:, 20] - found[:, 19]
    assert ((steps > 0.499) & (steps <= 1.001)).all()
    assert steps.min() < 0.8
    assert found.min() >= 0
    assert found.max() <= 39


@pytest.mark.parametrize("shape", [(24, 20), (16, 20, 12)])
def test_bends_stay_below_their_limit_and_leave_the_border(shape):
    spec = AugmentationSpec(elastic=0.08)
    bends = build_bends(4, shape, spec, generator())
    assert bends.shape == (4, *shape, len(shape))
    assert 0.05 < bends.abs().max() <= 2.0 * 0.08 * 1.3  # cubic interpolation may overshoot its nodes a little
    assert bends[:, 0].abs().max() < 1e-6
    assert bends[:, -1].abs().max() < 1e-6


def test_a_scan_is_never_folded_by_the_strongest_bends():
    spec = AugmentationSpec(elastic=AugmentationSpec().elastic_limit)
    bends = build_bends(32, (33, 33), spec, generator())
    places = torch.linspace(-1, 1, 33).view(1, 1, -1) + bends[..., 0]  # where columns come from
    assert (places.diff(dim=2) > 0).all()


@pytest.mark.parametrize("shape", [(24, 20), (8, 12, 16)])
def test_matrices_are_spread_as_torch_spreads_them(shape):
    matrices = torch.randn(3, len(shape), len(shape) + 1, generator=generator())
    expected = torch.nn.functional.affine_grid(matrices, [3, 1, *shape], align_corners=False)
    torch.testing.assert_close(spread_matrices(matrices, shape), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("shape", "mode"), [((24, 20), "bicubic"), ((8, 12, 16), "trilinear")])
def test_bends_lie_between_their_nodes_as_torch_interpolates(shape, mode):
    fine = build_bends(2, shape, AugmentationSpec(elastic=0.08), generator())
    nodes = build_bends(2, (5,) * len(shape), AugmentationSpec(elastic=0.08), generator()).movedim(-1, 1)
    expected = torch.nn.functional.interpolate(nodes, size=shape, mode=mode, align_corners=True).movedim(1, -1)
    torch.testing.assert_close(fine, expected, atol=1e-6, rtol=1e-5)
