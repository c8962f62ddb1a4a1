"""Batch -> the same scans with less or more detail: blur, sharpening, low resolution.

Knows neither geometry nor label. Functions of one shape, `(batch, spec, units, generator) -> batch`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from medres.training.augmentation.draws import amount, change_some, coin, lowest
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

SHARPEN_SIGMA = 1.0  # voxels: the detail that unsharp masking adds once more


def blur(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Blur with a Gaussian, one axis after the other; the width differs from scan to scan."""
    if not (spec.blur or spec.blur_mm):
        return batch
    strength = amount(batch, 1.0, spec.intensity_probability, generator).abs()  # in [0, 1]
    highest = [spec.blur + units.voxels(spec.blur_mm, axis) for axis in range(batch.ndim - 2)]

    def blurred(scans: Tensor, strength: Tensor) -> Tensor:
        """Blur scans, each by its strength."""
        return smooth(scans, [strength.view(-1) * sigma for sigma in highest], highest)

    return change_some(batch, strength.view(-1) > 0, blurred, strength)


def sharpen(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Add once more, in part, what a Gaussian takes away; never beyond the scan's own range."""
    if not spec.sharpen:
        return batch
    strength = amount(batch, spec.sharpen, spec.intensity_probability, generator).abs()
    return change_some(batch, strength.view(-1) > 0, _crisp, strength)


def _crisp(batch: Tensor, strength: Tensor) -> Tensor:
    """Mask unsharply, each scan by its strength (B, 1, ...)."""
    dims, sigma = batch.ndim - 2, torch.full((len(batch),), SHARPEN_SIGMA, device=batch.device)
    crisp = batch + strength * (batch - smooth(batch, [sigma] * dims, [SHARPEN_SIGMA] * dims))
    return torch.minimum(torch.maximum(crisp, lowest(batch)), -lowest(-batch))


def lower_resolution(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Shrink and bring back; one factor for the batch's chosen scans."""
    if spec.low_resolution <= 1:
        return batch
    factor = 1.0 + (spec.low_resolution - 1.0) * float(torch.rand(1, generator=generator))
    chosen = coin(batch, spec.intensity_probability / 2, generator)
    mode = "trilinear" if batch.ndim == 5 else "bilinear"
    small = [max(1, round(n / factor)) for n in batch.shape[2:]]

    def coarse(scans: Tensor) -> Tensor:
        """Shrink scans and bring them back."""
        low = functional.interpolate(scans, size=small, mode="area")
        return functional.interpolate(low, size=scans.shape[2:], mode=mode)

    return change_some(batch, chosen, coarse)


def smooth(batch: Tensor, sigmas: list[Tensor], highest: list[float]) -> Tensor:
    """Convolve with Gaussians of a width for each scan and axis.

    Args:
        batch: (B, C, *spatial).
        sigmas: for each spatial axis (B,), voxels; 0 leaves a scan as it is.
        highest: for each spatial axis the limit of its sigmas, voxels: decides how far the Gaussian reaches.

    Returns:
        Same shape; the border is repeated.
    """
    for axis, (sigma, limit) in enumerate(zip(sigmas, highest, strict=True), start=2):
        reach = max(1, round(2.0 * limit))
        offsets = torch.arange(-reach, reach + 1, dtype=batch.dtype, device=batch.device)
        weights = torch.exp(-0.5 * (offsets / sigma.view(-1, 1).clamp_min(1e-3)) ** 2)
        batch = _weigh(batch, weights / weights.sum(1, keepdim=True), axis, reach)
    return batch


def _weigh(batch: Tensor, weights: Tensor, axis: int, reach: int) -> Tensor:
    """Take the weighted mean of neighbours along one axis, the border repeated; weights (B, taps).

    A matrix product: on a CPU several times as fast as moving and adding the batch once for each tap.
    """
    length, count = batch.shape[axis], len(batch)
    places = torch.arange(length, device=batch.device)
    taps = (places[:, None] + torch.arange(-reach, reach + 1, device=batch.device)).clamp(0, length - 1)  # (n, taps)
    mean = torch.zeros(count, length, length, dtype=batch.dtype, device=batch.device)
    mean.scatter_add_(2, taps.expand(count, -1, -1), weights[:, None, :].expand(-1, length, -1))  # (B, to, from)
    if axis == batch.ndim - 1:
        return batch @ mean.transpose(1, 2).view(count, *[1] * (batch.ndim - 3), length, length)
    rows = batch.flatten(axis + 1)  # (B, ..., n, rest)
    return (mean.view(count, *[1] * (rows.ndim - 3), length, length) @ rows).view(batch.shape)
