"""Batch -> the same scans seen otherwise: flips, quarter turns, one sampling for all that is affine or elastic.

Knows neither intensity nor label. Functions of one shape, `(batch, spec, units, generator) -> batch`.
"""

from __future__ import annotations

import itertools

import torch
from torch import Generator, Tensor
from torch.nn import functional

from medres.training.augmentation.draws import coin, spread, uniform
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

GRID_AXES = {
    3: {"i": 2, "j": 3, "k": 4},
    2: {"i": 3, "j": 2},
}  # axis of the grid -> axis of the (B, C, *spatial) tensor


def flip(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Reverse each listed axis of half of the scans."""
    axes = GRID_AXES[batch.ndim - 2]
    for name in spec.flips:
        if name in axes:
            chosen = coin(batch, 0.5, generator)
            batch = torch.where(spread(chosen, batch), batch.flip(axes[name]), batch)
    return batch


def quarter_turn(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Turn each listed plane of each scan by 0°, 90°, 180° or 270°."""
    axes = GRID_AXES[batch.ndim - 2]
    for first, second in spec.quarter_turns:
        if first not in axes or second not in axes or batch.shape[axes[first]] != batch.shape[axes[second]]:
            continue
        turns = torch.randint(4, (len(batch),), generator=generator).to(batch.device)
        plane = [axes[first], axes[second]]
        turned = [torch.rot90(batch, count, plane) for count in range(4)]
        for count in range(1, 4):
            batch = torch.where(spread(turns == count, batch), turned[count], batch)
    return batch


def move(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Rotate, scale, stretch, shear, shift, crop and bend in one sampling; what comes in repeats the border."""
    if not (_is_affine(spec) or spec.elastic or spec.elastic_mm):
        return batch
    shape = tuple(batch.shape[2:])
    matrices = build_matrices(len(batch), shape, spec, generator, units)
    grid = functional.affine_grid(matrices.to(batch.device), list(batch.shape), align_corners=False)
    if spec.elastic or spec.elastic_mm:
        grid = grid + build_bends(len(batch), shape, spec, generator, units).to(batch.device)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def _is_affine(spec: AugmentationSpec) -> bool:
    amounts = (spec.scale, spec.stretch, spec.shear, spec.shift, spec.shift_mm, spec.crop)
    return any(spec.rotation_degrees) or any(amounts)


def build_matrices(
    count: int, shape: tuple[int, ...], spec: AugmentationSpec, generator: Generator, units: Units | None = None
) -> Tensor:
    """Draw the affine matrices of a batch, as `torch.nn.functional.affine_grid` takes them.

    Rotations are rigid in mm where the spacing is known, in voxels elsewhere: the normalised coordinates of
    `affine_grid` are scaled by the grid's extent first.

    Args:
        count: scans.
        shape: spatial shape, in the order of the tensor.
        spec: highest changes.
        generator: on the CPU.
        units: spacing of the tensor's axes; None knows none.

    Returns:
        (count, D, D + 1) float32, in the order (last axis, ..., first axis).
    """
    dims, units = len(shape), units or Units()
    linear = _rotations(count, dims, spec, generator)  # (count, D, D) in tensor order
    linear = linear @ _shears(count, dims, spec, generator)
    sizes = uniform((count, 1), spec.scale, generator) + uniform((count, dims), spec.stretch, generator)
    linear = linear @ torch.diag_embed(torch.exp(-sizes))
    shift = 2.0 * uniform((count, dims), _shares(shape, spec.shift, spec.shift_mm, units), generator)
    still = torch.rand(count, generator=generator) >= spec.spatial_probability
    if spec.crop:
        linear, shift = _cropped(linear, shift, spec.crop, generator)
    linear[still], shift[still] = torch.eye(dims), 0.0
    edges = torch.tensor(shape, dtype=torch.float32) * torch.tensor(units.spacing_mm or [1.0] * dims)
    linear = linear * edges[None, None, :] / edges[None, :, None]  # mm or voxels -> normalised coordinates
    return torch.cat([linear.flip(1, 2), shift.flip(1).unsqueeze(2)], dim=2)


def _shares(shape: tuple[int, ...], share: float, millimetres: float, units: Units) -> Tensor:
    """Say a limit given as a share of each axis, and one in mm, as one share of each axis; `(D,)`."""
    return torch.tensor([share + units.voxels(millimetres, axis) / length for axis, length in enumerate(shape)])


def _cropped(linear: Tensor, shift: Tensor, highest: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Look at a window of each axis alone, placed at random within it."""
    cut = highest * torch.rand(shift.shape, generator=generator)  # (count, D)
    place = uniform(tuple(shift.shape), 1.0, generator) * cut
    return linear @ torch.diag_embed(1.0 - cut), shift + place


def build_bends(
    count: int, shape: tuple[int, ...], spec: AugmentationSpec, generator: Generator, units: Units | None = None
) -> Tensor:
    """Draw smooth displacements: of the nodes of a coarse grid, none at its border, cubic or linear in between.

    Args:
        count: scans.
        shape: spatial shape, in the order of the tensor.
        spec: highest displacement and number of nodes.
        generator: on the CPU.
        units: spacing of the tensor's axes; None knows none.

    Returns:
        (count, *shape, D) float32 in normalised coordinates, in the order (last axis, ..., first axis).
    """
    dims, nodes = len(shape), spec.elastic_nodes
    limits = 2.0 * _shares(shape, spec.elastic, spec.elastic_mm, units or Units())  # (D,)
    drawn = uniform((count, *[nodes] * dims, dims), limits, generator).movedim(-1, 1)  # (count, D, nodes, ...)
    inner = torch.zeros(nodes).index_fill(0, torch.arange(1, nodes - 1), 1.0)
    for axis in range(dims):
        drawn = drawn * inner.view(*[-1 if a == axis else 1 for a in range(dims)])
    still = torch.rand(count, generator=generator) >= spec.spatial_probability
    drawn[still] = 0.0
    mode = "trilinear" if dims == 3 else "bicubic"
    bends = functional.interpolate(drawn, size=shape, mode=mode, align_corners=True)  # (count, D, *shape)
    return bends.movedim(1, -1).flip(-1)


def _rotations(count: int, dims: int, spec: AugmentationSpec, generator: Generator) -> Tensor:
    """Draw rotations in tensor order: about k alone, or about i, j and k in turn."""
    angles = spec.rotation_degrees
    about = {1: ((0, 1),), 3: ((1, 2), (0, 2), (0, 1))}.get(len(angles), ()) if dims == 3 else ((0, 1),)
    highest = angles if dims == 3 else angles[-1:]
    matrix = torch.eye(dims).repeat(count, 1, 1)
    for (first, second), degrees in zip(about, highest, strict=False):
        angle = torch.deg2rad(uniform((count,), degrees, generator))
        turn = torch.eye(dims).repeat(count, 1, 1)
        turn[:, first, first] = turn[:, second, second] = torch.cos(angle)
        turn[:, first, second], turn[:, second, first] = -torch.sin(angle), torch.sin(angle)
        matrix = matrix @ turn
    return matrix


def _shears(count: int, dims: int, spec: AugmentationSpec, generator: Generator) -> Tensor:
    matrix = torch.eye(dims).repeat(count, 1, 1)
    if spec.shear:
        for first, second in itertools.combinations(range(dims), 2):
            matrix[:, first, second] = uniform((count,), spec.shear, generator)
    return matrix
