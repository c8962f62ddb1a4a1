"""Batch -> the same scans seen otherwise: flips, quarter turns, one sampling for all that is affine or elastic.

Knows neither intensity nor label. Functions of one shape, `(batch, spec, units, generator) -> batch`.
"""

from __future__ import annotations

import itertools
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn import functional

from medres.training.augmentation.draws import change_some, coin, uniform
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
            batch = change_some(batch, coin(batch, 0.5, generator), partial(torch.flip, dims=[axes[name]]))
    return batch


def quarter_turn(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Turn each listed plane of each scan by 0°, 90°, 180° or 270°."""
    axes = GRID_AXES[batch.ndim - 2]
    for first, second in spec.quarter_turns:
        if first not in axes or second not in axes or batch.shape[axes[first]] != batch.shape[axes[second]]:
            continue
        turns = torch.randint(4, (len(batch),), generator=generator).to(batch.device)
        for count in range(1, 4):
            turn = partial(torch.rot90, k=count, dims=[axes[first], axes[second]])
            batch = change_some(batch, turns == count, turn)
    return batch


def move(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator) -> Tensor:
    """Rotate, scale, stretch, shear, shift, crop and bend in one sampling; what comes in repeats the border."""
    if not (_is_affine(spec) or spec.elastic or spec.elastic_mm):
        return batch
    shape = tuple(batch.shape[2:])
    grid = spread_matrices(build_matrices(len(batch), shape, spec, generator, units).to(batch.device), shape)
    if spec.elastic or spec.elastic_mm:
        grid = grid + build_bends(len(batch), shape, spec, generator, units).to(batch.device)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def spread_matrices(matrices: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Say where each cell looks under an affine matrix: `affine_grid`, as one sum of a term for each axis.

    Torch's own multiplies every cell by the matrix, which in 3D takes longer than the sampling.

    Args:
        matrices: (B, D, D + 1) float, in the order (last axis, ..., first axis).
        shape: spatial shape, in the order of the tensor.

    Returns:
        (B, *shape, D) in normalised coordinates, cells' centres as with `align_corners=False`.

    Example:
        >>> turned = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.5]]])
        >>> same = functional.affine_grid(turned, [1, 1, 4, 6], align_corners=False)
        >>> bool(torch.allclose(spread_matrices(turned, (4, 6)), same))
        True
    """
    dims = len(shape)
    grid = matrices[:, :, dims].view(*matrices.shape[:2], *[1] * dims)  # (B, D, 1, ...)
    for column in range(dims):
        axis = dims - 1 - column
        places = (2.0 * torch.arange(shape[axis], device=matrices.device) + 1.0) / shape[axis] - 1.0
        along = [shape[axis] if a == axis else 1 for a in range(dims)]
        grid = grid + matrices[:, :, column].view(*matrices.shape[:2], *[1] * dims) * places.view(along)
    return grid.movedim(1, -1)


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
    for length in shape:
        between = _between(nodes, length, "linear" if dims == 3 else "cubic")
        drawn = torch.tensordot(drawn, between, dims=([2], [0]))  # the axis leaves the third place and comes back last
    return drawn.flip(1).movedim(1, -1)  # (count, *shape, D)


def _between(nodes: int, length: int, kind: str) -> Tensor:
    """Give the weight of each node of an axis in each cell, (nodes, length); the ends lie on the outer nodes."""
    single = torch.eye(nodes)
    if kind == "linear":
        return functional.interpolate(single[None], size=length, mode="linear", align_corners=True)[0]
    wide = functional.interpolate(single[None, :, :, None], size=(length, 1), mode="bicubic", align_corners=True)
    return wide[0, :, :, 0]


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
