"""Batch of preprocessed tensors + AugmentationSpec + generator -> varied batch, on CPU or GPU.

Knows no Volume and no label. A list of same-shaped functions; the same seed of the generator gives the same batch.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from medres.training.augmentation import artefacts, geometry, intensity, policy, resolution
from medres.training.augmentation.draws import lowest
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

GEOMETRY = (geometry.flip, geometry.quarter_turn, geometry.move)
SCANNER = (artefacts.shake, artefacts.ghost, artefacts.ring, artefacts.bias_field)
INTENSITY = (
    resolution.blur,
    resolution.sharpen,
    resolution.lower_resolution,
    intensity.gamma,
    intensity.contrast,
    intensity.brightness,
    intensity.noise,
)


def augment(
    batch: Tensor, spec: AugmentationSpec, generator: Generator, units: Units | None = None, *, is_mr: bool = False
) -> Tensor:
    """Vary a batch: geometry, what scanner and patient add, grey values, a box cut out, the policy's changes.

    Args:
        batch: (B, C, i, j, k) or (B, C, rows, columns) float32, preprocessed.
        spec: how much of what.
        generator: on the CPU; decides everything.
        units: what mm and HU are in this batch; None knows neither.
        is_mr: let the policy draw artefacts of MR too.

    Returns:
        Same shape, on the batch's device.

    Example:
        >>> spec = AugmentationSpec(flips=("i",), noise=0.1)
        >>> first = augment(torch.zeros(2, 1, 4, 4, 4), spec, torch.Generator().manual_seed(1))
        >>> bool((first == augment(torch.zeros(2, 1, 4, 4, 4), spec, torch.Generator().manual_seed(1))).all())
        True
    """
    units = units or Units()
    for step in GEOMETRY:
        batch = step(batch, spec, units, generator)
    ground = lowest(batch)
    still = batch <= ground
    for step in (*SCANNER, *INTENSITY):
        batch = step(batch, spec, units, generator)
    if spec.ground == "keep":
        batch = torch.where(still, ground, batch)
    batch = artefacts.cut_out(batch, spec, units, generator)
    return policy.vary(batch, spec, units, generator, is_mr=is_mr)
