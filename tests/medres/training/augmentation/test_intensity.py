"""Grey values change as stated; contrast keeps the mean, gamma the range; HU are HU."""

from __future__ import annotations

import torch

from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units
from tests.medres.training.augmentation.batches import batch_of, generator


def test_contrast_keeps_the_mean_and_gamma_keeps_the_range():
    batch = batch_of(3)
    contrast = augment(batch, AugmentationSpec(contrast=0.5, intensity_probability=1.0), generator())
    torch.testing.assert_close(contrast.flatten(1).mean(1), batch.flatten(1).mean(1))
    gamma = augment(batch, AugmentationSpec(gamma=0.5, intensity_probability=1.0), generator())
    torch.testing.assert_close(gamma.flatten(1).amax(1), batch.flatten(1).amax(1))
    torch.testing.assert_close(gamma.flatten(1).amin(1), batch.flatten(1).amin(1))


def test_brightness_and_noise_in_hu_are_shares_of_the_window():
    units = Units(hu_per_unit=400.0)
    batch = torch.full((64, 1, 8, 8), 0.5)
    bright = augment(batch, AugmentationSpec(brightness_hu=40.0, intensity_probability=1.0), generator(), units)
    assert 0.08 < (bright - batch).abs().max() <= 0.1
    noisy = augment(batch, AugmentationSpec(noise_hu=40.0, intensity_probability=1.0), generator(), units)
    assert 0.07 < (noisy - batch).flatten(1).std(1).max() <= 0.13
