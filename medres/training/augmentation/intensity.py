"""Batch -> the same scans in other grey values: gamma, contrast, brightness, noise.

Knows neither geometry nor label. Functions of one shape, `(batch, spec, units, generator) -> batch`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from medres.training.augmentation.draws import amount, change_some, lowest, spread
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units


def gamma(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Raise values, scaled to the scan's own range, to a power near 1."""
    if not spec.gamma:
        return batch
    power = amount(batch, spec.gamma, spec.intensity_probability, generator)
    return change_some(batch, power.view(-1) != 0, _raised, torch.exp(power))


def _raised(batch: Tensor, exponent: Tensor) -> Tensor:
    """Raise values, scaled to each scan's own range, to its exponent (B, 1, ...)."""
    low, high = lowest(batch), -lowest(-batch)
    span = (high - low).clamp_min(1e-6)
    return ((batch - low) / span).clamp(0, 1) ** exponent * span + low


def contrast(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Stretch or narrow values about the scan's mean."""
    if not spec.contrast:
        return batch
    mean = spread(batch.flatten(1).mean(1), batch)
    return (batch - mean) * (1.0 + amount(batch, spec.contrast, spec.intensity_probability, generator)) + mean


def brightness(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Add one number to all voxels of a scan."""
    highest = spec.brightness + units.values(spec.brightness_hu)
    return batch + amount(batch, highest, spec.intensity_probability, generator) if highest else batch


def noise(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Add Gaussian noise of a strength for each scan."""
    highest = spec.noise + units.values(spec.noise_hu)
    if not highest:
        return batch
    strength = amount(batch, highest, spec.intensity_probability, generator).abs()

    def noisy(scans: Tensor, strength: Tensor) -> Tensor:
        """Add noise of a strength to each scan."""
        return scans + strength * torch.randn(scans.shape, generator=generator).to(scans.device)

    return change_some(batch, strength.view(-1) > 0, noisy, strength)
