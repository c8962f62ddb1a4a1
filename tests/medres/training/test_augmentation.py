"""Each change does what it says, on the axis it says, the same for the same seed, alike in 2D and 3D."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from medres.training.augmentation import augment, build_matrices
from medres.training.augmentation_spec import AugmentationSpec

SHAPES = {2: (12, 16), 3: (12, 16, 10)}
FULL = AugmentationSpec(
    flips=("i", "j", "k"),
    quarter_turns=("ij",),
    rotation_degrees=(20.0,),
    scale=0.2,
    stretch=0.1,
    shift=0.1,
    shear=0.1,
    brightness=0.1,
    contrast=0.2,
    gamma=0.2,
    noise=0.1,
    blur=1.0,
    low_resolution=2.0,
    cutout=0.4,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(dims: int, count: int = 4) -> torch.Tensor:
    return torch.rand(count, 2, *SHAPES[dims], generator=generator(9))


@pytest.mark.parametrize("dims", [2, 3])
def test_same_seed_gives_the_same_batch_and_another_seed_another(dims):
    batch = batch_of(dims)
    first, again, other = (augment(batch.clone(), FULL, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == batch.shape
    assert torch.isfinite(first).all()


@pytest.mark.parametrize("dims", [2, 3])
def test_input_is_left_as_it_was(dims):
    batch = batch_of(dims)
    before = batch.clone()
    augment(batch, FULL, generator())
    assert torch.equal(batch, before)


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


def test_even_ground_is_kept_where_asked():
    batch = torch.zeros(6, 1, 8, 8, 8)
    batch[:, :, 3:5, 3:5, 3:5] = 0.5
    spec = AugmentationSpec(brightness=0.3, noise=0.2, intensity_probability=1.0, ground="keep")
    found = augment(batch, spec, generator())
    assert (found[batch == 0] == 0).all()
    assert not torch.equal(found[batch > 0], batch[batch > 0])


def test_contrast_keeps_the_mean_and_gamma_keeps_the_range():
    batch = batch_of(3)
    contrast = augment(batch, AugmentationSpec(contrast=0.5, intensity_probability=1.0), generator())
    torch.testing.assert_close(contrast.flatten(1).mean(1), batch.flatten(1).mean(1))
    gamma = augment(batch, AugmentationSpec(gamma=0.5, intensity_probability=1.0), generator())
    torch.testing.assert_close(gamma.flatten(1).amax(1), batch.flatten(1).amax(1))
    torch.testing.assert_close(gamma.flatten(1).amin(1), batch.flatten(1).amin(1))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("change", [{"blur": 1.5}, {"low_resolution": 3.0}])
def test_blur_and_low_resolution_take_detail_away(dims, change):
    batch = batch_of(dims, 8)
    found = augment(batch, AugmentationSpec(**change, intensity_probability=1.0), generator())
    assert found.var() < batch.var()
    constant = torch.full_like(batch, 0.7)
    torch.testing.assert_close(
        augment(constant, AugmentationSpec(**change, intensity_probability=1.0), generator()), constant
    )


def test_cutout_sets_one_box_to_the_smallest_value():
    batch = batch_of(3, 8) + 1
    found = augment(batch, AugmentationSpec(cutout=0.6, intensity_probability=1.0), generator())
    changed = found != batch
    assert changed.any()
    lowest = batch.flatten(1).amin(1).view(-1, 1, 1, 1, 1).expand_as(batch)
    assert torch.equal(found[changed], lowest[changed])


def test_channels_of_one_scan_move_together():
    batch = torch.rand(4, 1, 12, 12, 12).repeat(1, 2, 1, 1, 1)
    spec = AugmentationSpec(flips=("i", "j"), rotation_degrees=(10.0, 10.0, 30.0), scale=0.2, shift=0.1)
    found = augment(batch, spec, generator())
    assert torch.equal(found[:, 0], found[:, 1])
