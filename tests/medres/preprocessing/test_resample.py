"""Resampling against slow, obvious second versions: scipy, PyTorch's antialiased interpolation, and algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from medres.preprocessing.resample import is_axis_aligned, nearest, outside, resample

SHAPE = (14, 12, 10)


def noise(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def scaling(ratio, offset=(0.0, 0.0, 0.0)):
    matrix = np.diag([*ratio, 1.0])
    matrix[:3, 3] = offset
    return matrix


def inner_part(array):
    return array[2:-2, 2:-2, 2:-2]


def test_whole_voxel_shifts_are_exact_copies():
    voxels = noise()
    found = resample(voxels, scaling((1, 1, 1), (2, -1, 3)), SHAPE, fill=7.0)
    assert np.array_equal(found[:12, 1:, :7], voxels[2:, :11, 3:])
    assert (found[12:] == 7.0).all()
    assert (found[:, 0] == 7.0).all()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_memory_order_does_not_change_a_bit(order):
    voxels = noise()
    stored = np.ascontiguousarray(voxels.transpose(order)).transpose(np.argsort(order))
    matrix = scaling((1.3, 0.7, 1.0), (0.2, 0.1, 0.5))
    assert np.array_equal(resample(stored, matrix, SHAPE, 0.0), resample(voxels, matrix, SHAPE, 0.0))


def test_finer_grids_are_plain_linear_interpolation():
    voxels = noise()
    matrix = scaling((0.5, 0.7, 0.9), (1.0, 0.3, 0.2))
    want = ndimage.map_coordinates(voxels, np.indices((9, 9, 9)).reshape(3, -1) * np.array([[0.5], [0.7], [0.9]])
                                   + np.array([[1.0], [0.3], [0.2]]), order=1)  # fmt: skip
    assert np.allclose(resample(voxels, matrix, (9, 9, 9), 0.0), want.reshape(9, 9, 9), atol=1e-5)


def test_coarser_grids_equal_pytorch_antialiased_interpolation():
    voxels = noise((20, 18, 1))
    ratio = np.array([20 / 7, 18 / 5, 1.0])
    found = resample(voxels, scaling(ratio, (ratio - 1) / 2), (7, 5, 1), 0.0)[..., 0]
    planes = torch.from_numpy(voxels[None, :, :, 0])[None]
    want = torch.nn.functional.interpolate(planes, (7, 5), mode="bilinear", antialias=True, align_corners=False)
    assert np.allclose(found, want[0, 0].numpy(), atol=1e-5)


def test_a_coarser_grid_does_not_alias():
    stripes = np.tile(np.array([-1.0, 1.0], np.float32), 32)[:, None, None] * np.ones((1, 4, 4), np.float32)
    found = resample(stripes, scaling((4.0, 1, 1), (1.5, 0, 0)), (16, 4, 4), 0.0)
    assert np.abs(found[2:-2]).max() < 1e-6


def test_a_constant_stays_constant_on_every_kind_of_grid():
    voxels = np.full(SHAPE, 3.5, np.float32)
    turn = np.eye(4)
    turn[:2, :2] = [[0.9, -0.4], [0.4, 0.9]]
    shear = scaling((1.2, 0.8, 1.1))
    shear[1, 2] = 0.3
    for matrix in (scaling((2.3, 0.4, 1.0)), shear, turn):
        found = resample(voxels, matrix, (8, 8, 8), fill=3.5)
        assert np.allclose(found, 3.5, atol=1e-5)


@pytest.mark.parametrize("stack", [0, 1, 2])
def test_a_sheared_grid_equals_trilinear_interpolation(stack):
    voxels = noise()
    matrix = scaling((0.9, 0.8, 0.7), (1.0, 1.0, 1.0))
    matrix[(stack + 1) % 3, stack] = 0.25
    places = np.einsum("ab,b...->a...", matrix[:3, :3], np.indices((8, 8, 8))) + 1.0
    want = ndimage.map_coordinates(voxels, places, order=1, mode="nearest")
    assert np.allclose(resample(voxels, matrix, (8, 8, 8), 0.0), want, atol=1e-5)


def test_a_turned_grid_equals_trilinear_interpolation():
    voxels = noise()
    angle = 0.3
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = (4.0, 0.5, 0.5)
    places = np.einsum("ab,b...->a...", matrix[:3, :3], np.indices((6, 6, 6))) + matrix[:3, 3][:, None, None, None]
    want = ndimage.map_coordinates(voxels, places, order=1, mode="nearest")
    found = resample(voxels, matrix, (6, 6, 6), fill=0.0)
    beyond = outside(matrix, (6, 6, 6), SHAPE)
    inside = np.ones((6, 6, 6), bool) if beyond is None else ~beyond
    assert inside.sum() > 100
    assert np.allclose(found[inside], want[inside], atol=1e-5)


def test_integers_are_read_without_loss():
    voxels = np.random.default_rng(0).integers(-2000, 3000, SHAPE).astype(np.int16)
    assert np.array_equal(resample(voxels, np.eye(4), SHAPE, 0.0), voxels.astype(np.float32))


def test_what_lies_outside_is_marked_and_filled():
    matrix = scaling((1, 1, 1), (-2, 0, 0))
    beyond = outside(matrix, SHAPE, SHAPE)
    assert beyond is not None
    assert beyond[:2].all()
    assert not beyond[2:].any()
    assert outside(np.eye(4), SHAPE, SHAPE) is None


@pytest.mark.parametrize("shear", [0.0, 0.4])
def test_a_mask_is_looked_up_at_the_nearest_voxel(shear):
    mask = np.random.default_rng(1).random(SHAPE) < 0.5
    matrix = scaling((1.2, 0.9, 1.0), (-1.3, 0.2, 0.1))
    matrix[1, 2] = shear
    found = nearest(mask, matrix, (9, 9, 9))
    for index in np.ndindex(9, 9, 9):
        place = np.rint(matrix[:3, :3] @ index + matrix[:3, 3]).astype(int)
        inside = (place >= 0).all() and (place < SHAPE).all()
        assert found[index] == (mask[tuple(place)] if inside else True)


def test_flipped_and_permuted_grids_do_not_count_as_aligned():
    assert is_axis_aligned(scaling((2, 3, 1)), SHAPE)
    assert not is_axis_aligned(np.diag([-1.0, 1, 1, 1]), SHAPE)
    assert not is_axis_aligned(np.eye(4)[[1, 0, 2, 3]], SHAPE)
