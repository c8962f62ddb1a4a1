"""The same seed gives the same batch, alike in 2D and 3D; the input is left as it was."""

from __future__ import annotations

import pytest
import torch

from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from tests.medres.training.augmentation.batches import batch_of, generator

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
    crop=0.2,
    elastic=0.05,
    sharpen=1.0,
    bias_field=0.3,
    gibbs=0.5,
    ghosting=0.5,
    motion=0.05,
    policy_strength=0.5,
)


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


def test_even_ground_is_kept_where_asked():
    batch = torch.zeros(6, 1, 8, 8, 8)
    batch[:, :, 3:5, 3:5, 3:5] = 0.5
    spec = AugmentationSpec(brightness=0.3, noise=0.2, intensity_probability=1.0, ground="keep")
    found = augment(batch, spec, generator())
    assert (found[batch == 0] == 0).all()
    assert not torch.equal(found[batch > 0], batch[batch > 0])


def test_channels_of_one_scan_move_together():
    batch = torch.rand(4, 1, 12, 12, 12).repeat(1, 2, 1, 1, 1)
    spec = AugmentationSpec(flips=("i", "j"), rotation_degrees=(10.0, 10.0, 30.0), scale=0.2, shift=0.1)
    found = augment(batch, spec, generator())
    assert torch.equal(found[:, 0], found[:, 1])


def test_each_change_alone_leaves_a_finite_batch_of_the_same_shape():
    for key in ("crop", "elastic", "sharpen", "bias_field", "gibbs", "ghosting", "motion"):
        for dims in (2, 3):
            batch = batch_of(dims)
            spec = AugmentationSpec.model_validate({key: getattr(FULL, key), "intensity_probability": 1.0})
            found = augment(batch, spec, generator(3))
            assert found.shape == batch.shape
            assert torch.isfinite(found).all()
            assert not torch.equal(found, batch), key
