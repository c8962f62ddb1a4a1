"""Batch of preprocessed tensors + AugmentationSpec + generator -> varied batch, on CPU or GPU.

Knows no Volume and no label. A pipeline of same-shaped functions `(batch, spec, generator) -> batch`; the same seed of
the generator gives the same batch. Random numbers are always drawn on the CPU, so that a GPU varies scans alike.
"""

from __future__ import annotations

import itertools

import torch
from torch import Generator, Tensor
from torch.nn import functional

from medres.training.augmentation_spec import AugmentationSpec

GRID_AXES = {
    3: {"i": 2, "j": 3, "k": 4},
    2: {"i": 3, "j": 2},
}  # axis of the grid -> axis of the (B, C, *spatial) tensor


def augment(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Vary a batch: flips, quarter turns, one affine sampling, then intensity.

    Args:
        batch: (B, C, i, j, k) or (B, C, rows, columns) float32, preprocessed.
        spec: how much of what.
        generator: on the CPU; decides everything.

    Returns:
        Same shape, on the batch's device.

    Example:
        >>> spec = AugmentationSpec(flips=("i",), noise=0.1)
        >>> first = augment(torch.zeros(2, 1, 4, 4, 4), spec, torch.Generator().manual_seed(1))
        >>> bool((first == augment(torch.zeros(2, 1, 4, 4, 4), spec, torch.Generator().manual_seed(1))).all())
        True
    """
    for step in (_flip, _quarter_turn, _move, _vary_intensity):
        batch = step(batch, spec, generator)
    return batch


def _flip(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Reverse each listed axis of half of the scans."""
    axes = GRID_AXES[batch.ndim - 2]
    for name in spec.flips:
        if name in axes:
            chosen = _coin(batch, 0.5, generator)
            batch = torch.where(_spread(chosen, batch), batch.flip(axes[name]), batch)
    return batch


def _quarter_turn(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Turn each listed plane of each scan by 0°, 90°, 180° or 270°."""
    axes = GRID_AXES[batch.ndim - 2]
    for first, second in spec.quarter_turns:
        if first not in axes or second not in axes or batch.shape[axes[first]] != batch.shape[axes[second]]:
            continue
        turns = torch.randint(4, (len(batch),), generator=generator).to(batch.device)
        plane = [axes[first], axes[second]]
        turned = [torch.rot90(batch, count, plane) for count in range(4)]
        for count in range(1, 4):
            batch = torch.where(_spread(turns == count, batch), turned[count], batch)
    return batch


def _move(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Rotate, scale, stretch, shear and shift in one sampling; what comes in from outside repeats the border."""
    if not (any(spec.rotation_degrees) or spec.scale or spec.stretch or spec.shear or spec.shift):
        return batch
    matrices = build_matrices(len(batch), tuple(batch.shape[2:]), spec, generator).to(batch.device)
    grid = functional.affine_grid(matrices, list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def build_matrices(count: int, shape: tuple[int, ...], spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Draw the affine matrices of a batch, as `torch.nn.functional.affine_grid` takes them.

    Rotations are rigid in voxels: the normalised coordinates of `affine_grid` are scaled by the grid's shape first.

    Args:
        count: scans.
        shape: spatial shape, in the order of the tensor.
        spec: highest changes.
        generator: on the CPU.

    Returns:
        (count, D, D + 1) float32, in the order (last axis, ..., first axis).
    """
    dims = len(shape)
    linear = _rotations(count, dims, spec, generator)  # (count, D, D) in tensor order
    linear = linear @ _shears(count, dims, spec, generator)
    sizes = _uniform((count, 1), spec.scale, generator) + _uniform((count, dims), spec.stretch, generator)
    linear = linear @ torch.diag_embed(torch.exp(-sizes))
    shift = 2.0 * _uniform((count, dims), spec.shift, generator)
    still = torch.rand(count, generator=generator) >= spec.spatial_probability
    linear[still], shift[still] = torch.eye(dims), 0.0
    edges = torch.tensor(shape, dtype=torch.float32)
    linear = linear * edges[None, None, :] / edges[None, :, None]  # voxels -> normalised coordinates
    return torch.cat([linear.flip(1, 2), shift.flip(1).unsqueeze(2)], dim=2)


def _rotations(count: int, dims: int, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Draw rotations in tensor order: about k alone, or about i, j and k in turn."""
    angles = spec.rotation_degrees
    about = {1: ((0, 1),), 3: ((1, 2), (0, 2), (0, 1))}.get(len(angles), ()) if dims == 3 else ((0, 1),)
    highest = angles if dims == 3 else angles[-1:]
    matrix = torch.eye(dims).repeat(count, 1, 1)
    for (first, second), degrees in zip(about, highest, strict=False):
        angle = torch.deg2rad(_uniform((count,), degrees, generator))
        turn = torch.eye(dims).repeat(count, 1, 1)
        turn[:, first, first] = turn[:, second, second] = torch.cos(angle)
        turn[:, first, second], turn[:, second, first] = -torch.sin(angle), torch.sin(angle)
        matrix = matrix @ turn
    return matrix


def _shears(count: int, dims: int, spec: AugmentationSpec, generator: Generator) -> Tensor:
    matrix = torch.eye(dims).repeat(count, 1, 1)
    if spec.shear:
        for first, second in itertools.combinations(range(dims), 2):
            matrix[:, first, second] = _uniform((count,), spec.shear, generator)
    return matrix


def _vary_intensity(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Run the changes of intensity, each for its share of the scans; keep an even ground where asked."""
    ground = _lowest(batch)
    still = batch <= ground
    for change in (_blur, _lower_resolution, _gamma, _contrast, _brightness, _noise):
        batch = change(batch, spec, generator)
    if spec.ground == "keep":
        batch = torch.where(still, ground, batch)
    return _cut_out(batch, spec, generator)


def _brightness(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    if not spec.brightness:
        return batch
    return batch + _amount(batch, spec.brightness, spec, generator)


def _contrast(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    if not spec.contrast:
        return batch
    mean = batch.flatten(1).mean(1).view(-1, *[1] * (batch.ndim - 1))
    return (batch - mean) * (1.0 + _amount(batch, spec.contrast, spec, generator)) + mean


def _gamma(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    if not spec.gamma:
        return batch
    low, high = _lowest(batch), -_lowest(-batch)
    span = (high - low).clamp_min(1e-6)
    exponent = torch.exp(_amount(batch, spec.gamma, spec, generator))
    return ((batch - low) / span).clamp(0, 1) ** exponent * span + low


def _noise(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    if not spec.noise:
        return batch
    strength = _amount(batch, spec.noise, spec, generator).abs()
    return batch + strength * torch.randn(batch.shape, generator=generator).to(batch.device)


def _blur(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Blur with a Gaussian, one axis after the other; the width differs from scan to scan."""
    if not spec.blur:
        return batch
    sigma = _amount(batch, spec.blur, spec, generator).abs().view(-1, 1)  # (B, 1)
    reach = max(1, round(2.0 * spec.blur))
    offsets = torch.arange(-reach, reach + 1, dtype=batch.dtype, device=batch.device)
    weights = torch.exp(-0.5 * (offsets / sigma.clamp_min(1e-3)) ** 2)
    weights = weights / weights.sum(1, keepdim=True)  # (B, taps); sigma 0 keeps the voxel alone
    for axis in range(2, batch.ndim):
        batch = _smooth(batch, weights, axis, reach)
    return batch


def _smooth(batch: Tensor, weights: Tensor, axis: int, reach: int) -> Tensor:
    """Take the weighted mean of neighbours along one axis, the border repeated."""
    length = batch.shape[axis]
    index = torch.arange(length, device=batch.device)
    total = torch.zeros_like(batch)
    for tap, offset in enumerate(range(-reach, reach + 1)):
        moved = batch.index_select(axis, (index + offset).clamp(0, length - 1))
        total = total + moved * weights[:, tap].view(-1, *[1] * (batch.ndim - 1))
    return total


def _lower_resolution(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Shrink and bring back; one factor for the batch's chosen scans."""
    if spec.low_resolution <= 1:
        return batch
    factor = 1.0 + (spec.low_resolution - 1.0) * float(torch.rand(1, generator=generator))
    chosen = _coin(batch, spec.intensity_probability / 2, generator)
    mode = "trilinear" if batch.ndim == 5 else "bilinear"
    small = [max(1, round(n / factor)) for n in batch.shape[2:]]
    low = functional.interpolate(batch, size=small, mode="area")
    return torch.where(_spread(chosen, batch), functional.interpolate(low, size=batch.shape[2:], mode=mode), batch)


def _cut_out(batch: Tensor, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Set a box of each chosen scan to the scan's smallest value."""
    if not spec.cutout:
        return batch
    inside = _spread(_coin(batch, spec.intensity_probability, generator), batch).expand(
        batch.shape[0], 1, *batch.shape[2:]
    )
    for axis in range(2, batch.ndim):
        length = batch.shape[axis]
        edge = spec.cutout * length * torch.rand(len(batch), 1, generator=generator)
        start = (length - edge) * torch.rand(len(batch), 1, generator=generator)
        place = torch.arange(length) + 0.5
        within = ((place >= start) & (place < start + edge)).to(batch.device)  # (B, length)
        inside = inside & within.view(len(batch), 1, *[length if a == axis else 1 for a in range(2, batch.ndim)])
    return torch.where(inside, _lowest(batch), batch)


def _amount(batch: Tensor, highest: float, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Draw one number in [-highest, highest] for each scan, 0 for those left alone; `(B, 1, ...)`."""
    drawn = _uniform((len(batch),), highest, generator).to(batch.device)
    drawn = torch.where(_coin(batch, spec.intensity_probability, generator), drawn, torch.zeros_like(drawn))
    return _spread(drawn, batch)


def _uniform(shape: tuple[int, ...], highest: float, generator: Generator) -> Tensor:
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * highest


def _coin(batch: Tensor, probability: float, generator: Generator) -> Tensor:
    return (torch.rand(len(batch), generator=generator) < probability).to(batch.device)


def _spread(values: Tensor, batch: Tensor) -> Tensor:
    """Bring one value for each scan, (B,), to the batch's number of axes."""
    return values.view(-1, *[1] * (batch.ndim - 1))


def _lowest(batch: Tensor) -> Tensor:
    """Find each scan's smallest value, `(B, 1, ...)`."""
    return _spread(batch.flatten(1).amin(1), batch)
