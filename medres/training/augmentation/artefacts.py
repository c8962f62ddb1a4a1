"""Batch -> the same scans with what scanners and patients add: bias field, ringing, ghosts, motion; and a box cut out.

Knows neither label nor unit but the spec's. Functions of one shape, `(batch, spec, units, generator) -> batch`.
Ringing, ghosts and motion arise in k-space, where they are made: the Fourier transform of each channel.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import torch
from torch import Generator, Tensor

from medres.training.augmentation.draws import change_some, coin, lowest, uniform
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

BIAS_ORDER = 3  # of the polynomial of a bias field
GHOSTS = (2, 5)  # fewest and most ghosts along the axis
STILL_SHARE = 0.1  # of k-space about its middle that ghosts and motion leave alone, so that the scan stays where it is
MOVEMENTS = 4  # places that a moving patient takes in turn


def bias_field(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Multiply by a smooth field: the exponential of a polynomial of the place, of mean 0 in its logarithm."""
    if not spec.bias_field:
        return batch
    chosen = coin(batch, spec.intensity_probability, generator)
    powers = [p for p in itertools.product(range(BIAS_ORDER + 1), repeat=batch.ndim - 2) if 0 < sum(p) <= BIAS_ORDER]
    drawn = torch.cat([uniform((len(batch), 1), spec.bias_field, generator) for _ in powers], dim=1)  # (B, terms)
    terms = _terms(powers, batch.shape[2:]).to(batch.device)

    def shaded(scans: Tensor, drawn: Tensor) -> Tensor:
        """Multiply scans, each by its own field."""
        field = torch.tensordot(drawn, terms, dims=1).unsqueeze(1)  # (B, 1, *spatial)
        low = lowest(scans)
        return (scans - low) * torch.exp(field) + low

    return change_some(batch, chosen, shaded, drawn.to(batch.device))


def _terms(powers: list[tuple[int, ...]], shape: Sequence[int]) -> Tensor:
    """Give the terms of a polynomial of the place, each of mean 0; `(terms, *shape)`."""
    axes = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in shape]
    found = torch.zeros(len(powers), *shape)
    for term, exponents in zip(found, powers, strict=True):
        term += 1.0
        for axis, exponent in enumerate(exponents):
            term *= (axes[axis] ** exponent).view([-1 if a == axis else 1 for a in range(len(shape))])
        term -= term.mean()
    return found


def ring(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Cut high spatial frequencies off, as a matrix that was too small does: ringing at edges (Gibbs)."""
    if not spec.gibbs:
        return batch
    chosen = coin(batch, spec.intensity_probability, generator)
    kept = 1.0 - spec.gibbs * torch.rand(len(batch), generator=generator).to(batch.device)  # (B,)
    return change_some(batch, chosen, _rung, kept)


def _rung(batch: Tensor, kept: Tensor) -> Tensor:
    """Keep a share of each scan's spatial frequencies, (B,)."""
    spectrum = _spectrum(batch)
    for axis in range(2, batch.ndim):
        frequency = torch.fft.fftfreq(batch.shape[axis], device=batch.device).abs() * 2.0  # 1 at the highest
        inside = frequency <= kept.view(-1, 1)  # (B, n)
        spectrum = spectrum * inside.view(len(batch), *_along(batch, axis))
    return _picture(spectrum, batch)


def ghost(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Weaken every nth line of k-space along a random axis: faint copies of the scan beside itself."""
    if not spec.ghosting:
        return batch
    chosen = coin(batch, spec.intensity_probability, generator)
    axis = int(torch.randint(2, batch.ndim, (1,), generator=generator))
    every = int(torch.randint(GHOSTS[0], GHOSTS[1] + 1, (1,), generator=generator))
    strength = spec.ghosting * torch.rand(len(batch), 1, generator=generator).to(batch.device)  # (B, 1)
    line = torch.arange(batch.shape[axis], device=batch.device)
    hit = ((line % every == 0) & ~_still(batch, axis)).float()

    def ghosted(scans: Tensor, strength: Tensor) -> Tensor:
        """Weaken the lines of scans, each by its strength."""
        lines = (1.0 - strength * hit).view(len(scans), *_along(scans, axis))
        return _picture(_spectrum(scans) * lines, scans)

    return change_some(batch, chosen, ghosted, strength)


def shake(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Let the patient move between groups of lines of k-space: each group sees the scan shifted otherwise."""
    if not (spec.motion or spec.motion_mm):
        return batch
    chosen = coin(batch, spec.intensity_probability, generator)
    axis = int(torch.randint(2, batch.ndim, (1,), generator=generator))
    length = batch.shape[axis]
    order = torch.fft.fftfreq(length).argsort().argsort()  # lines in the order of their acquisition
    group = (order * MOVEMENTS) // length  # (n,)
    moved = []
    for along in range(2, batch.ndim):
        highest = spec.motion * batch.shape[along] + units.voxels(spec.motion_mm, along - 2)
        shifts = uniform((len(batch), MOVEMENTS), highest, generator)[:, group].to(batch.device)  # (B, n) voxels
        moved.append(shifts.masked_fill(_still(batch, axis), 0.0))
    return change_some(batch, chosen, partial(_moved, axis), *moved)


def _moved(axis: int, batch: Tensor, *shifts: Tensor) -> Tensor:
    """Shift each line of k-space along `axis` by its own (B, n) voxels, one such table for each spatial axis."""
    spectrum = _spectrum(batch)
    for along, own in enumerate(shifts, start=2):
        frequency = torch.fft.fftfreq(batch.shape[along], device=batch.device).view(_along(batch, along))
        phase = -2.0 * torch.pi * own.view(len(batch), *_along(batch, axis)) * frequency
        spectrum = spectrum * torch.polar(torch.ones_like(phase), phase)
    return _picture(spectrum, batch)


def cut_out(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Set a box of each chosen scan to the scan's smallest value."""
    if not (spec.cutout or spec.cutout_mm):
        return batch
    chosen = coin(batch, spec.intensity_probability, generator)
    shares = [
        min(1.0, spec.cutout + units.voxels(spec.cutout_mm, axis) / length)
        for axis, length in enumerate(batch.shape[2:])
    ]
    inside = draw_boxes(batch, shares, generator)
    return change_some(batch, chosen, lambda scans, box: torch.where(box, lowest(scans), scans), inside)


def draw_boxes(batch: Tensor, shares: list[float], generator: Generator) -> Tensor:
    """Draw one box for each scan, of random edges and place.

    Args:
        batch: (B, C, *spatial).
        shares: for each spatial axis, the highest edge as a share of it.
        generator: on the CPU.

    Returns:
        (B, 1, *spatial) bool, true inside.
    """
    inside = torch.ones(len(batch), 1, *batch.shape[2:], dtype=torch.bool, device=batch.device)
    for axis in range(2, batch.ndim):
        length = batch.shape[axis]
        edge = shares[axis - 2] * length * torch.rand(len(batch), 1, generator=generator)
        start = (length - edge) * torch.rand(len(batch), 1, generator=generator)
        place = torch.arange(length) + 0.5
        within = ((place >= start) & (place < start + edge)).to(batch.device)  # (B, length)
        inside = inside & within.view(len(batch), *_along(batch, axis))
    return inside


def _along(batch: Tensor, axis: int) -> list[int]:
    """Give the shape, without B, of numbers that run along one axis of a batch."""
    return [batch.shape[axis] if a == axis else 1 for a in range(1, batch.ndim)]


def _still(batch: Tensor, axis: int) -> Tensor:
    """Find the lines about the middle of k-space that stay as they are; `(n,)` bool."""
    frequency = torch.fft.fftfreq(batch.shape[axis], device=batch.device).abs() * 2.0
    still: Tensor = frequency <= STILL_SHARE
    return still


def _spectrum(batch: Tensor) -> Tensor:
    spectrum: Tensor = torch.fft.fftn(batch, dim=tuple(range(2, batch.ndim)))
    return spectrum


def _picture(spectrum: Tensor, batch: Tensor) -> Tensor:
    """Come back from k-space; values stay within the scan's range, as a magnitude image's do."""
    found = torch.fft.ifftn(spectrum, dim=tuple(range(2, batch.ndim))).real.to(batch.dtype)
    return torch.minimum(torch.maximum(found, lowest(batch)), -lowest(-batch))
