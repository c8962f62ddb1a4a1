"""Affines -> where voxels lie: spacing, orientation, LPS <-> RAS, resampled grids.

Knows numpy and nothing else: no file, no modality, no network. An affine is `(4, 4)` float64 and takes a voxel index
`(i, j, k)` to RAS+ millimetres, the centre of the voxel, as in nibabel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]
FloatArray = NDArray[np.float64]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse
AXIS_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))  # negative, positive end of the RAS+ axes x, y, z
OBLIQUE_COSINE = 1.0 - 1e-4  # an axis whose largest cosine is below this is oblique


def lps_to_ras(affine_lps: ArrayLike) -> Affine:
    """Turn an affine into LPS+ mm (DICOM's) into one into RAS+ mm (ours).

    Args:
        affine_lps: (4, 4), index to LPS+ mm.

    Returns:
        (4, 4), index to RAS+ mm.

    Source:
        PS3.3 C.7.6.2.1.1 (LPS); nibabel's coordinate systems (RAS+).

    Example:
        >>> float(lps_to_ras(np.eye(4))[0, 0])
        -1.0
    """
    return np.asarray(LPS_TO_RAS @ np.asarray(affine_lps, float))


def ras_to_lps(affine_ras: ArrayLike) -> Affine:
    """Turn an affine into RAS+ mm (ours) into one into LPS+ mm (DICOM's).

    Args:
        affine_ras: (4, 4), index to RAS+ mm.

    Returns:
        (4, 4), index to LPS+ mm.

    Example:
        >>> bool(np.array_equal(ras_to_lps(lps_to_ras(np.eye(4))), np.eye(4)))
        True
    """
    return np.asarray(LPS_TO_RAS @ np.asarray(affine_ras, float))


def apply_affine(affine: ArrayLike, points: ArrayLike) -> FloatArray:
    """Move points through an affine.

    Args:
        affine: (4, 4).
        points: (..., 3), in the affine's source frame.

    Returns:
        (..., 3), in the affine's target frame.

    Example:
        >>> apply_affine(np.diag([2.0, 2.0, 5.0, 1.0]), [1, 1, 1])
        array([2., 2., 5.])
    """
    matrix = np.asarray(affine, float)
    return np.asarray(np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3])


def spacing_mm(affine: ArrayLike) -> FloatArray:
    """Measure the distance between neighbouring voxel centres along each index axis.

    Args:
        affine: (4, 4), index to mm.

    Returns:
        (3,), mm.

    Example:
        >>> spacing_mm(np.diag([-0.5, 0.5, 3.0, 1.0]))
        array([0.5, 0.5, 3. ])
    """
    return np.asarray(np.linalg.norm(np.asarray(affine, float)[:3, :3], axis=0))


def voxel_volume_mm3(affine: ArrayLike) -> float:
    """Measure one voxel's volume, sheared grids included.

    Args:
        affine: (4, 4), index to mm.

    Returns:
        mm³, positive.

    Example:
        >>> voxel_volume_mm3(np.diag([2.0, 2.0, 5.0, 1.0]))
        20.0
    """
    return round(float(abs(np.linalg.det(np.asarray(affine, float)[:3, :3]))), 12)


def cosines(affine: ArrayLike) -> FloatArray:
    """Give the unit direction of each index axis in RAS+.

    Args:
        affine: (4, 4), index to RAS+ mm, not singular.

    Returns:
        (3, 3), column c is the direction of index axis c.
    """
    return np.asarray(affine, float)[:3, :3] / spacing_mm(affine)


def shear_degrees(affine: ArrayLike) -> float:
    """Measure how far the third axis leans off the normal of the first two (a gantry tilt).

    Args:
        affine: (4, 4), index to mm.

    Returns:
        Degrees, 0 for an orthogonal grid.

    Example:
        >>> shear_degrees(np.eye(4))
        0.0
    """
    first, second, third = cosines(affine).T
    normal = np.cross(first, second)
    along = abs(third @ normal) / np.linalg.norm(normal)
    return float(np.degrees(np.arccos(min(1.0, along))))


def orientation_codes(affine: ArrayLike) -> str:
    """Name the anatomical direction that each index axis runs towards.

    Args:
        affine: (4, 4), index to RAS+ mm, not singular.

    Returns:
        Three letters such as "RAS" or "LPI"; for an oblique grid the nearest ones.

    Source:
        nibabel.aff2axcodes, which gives the same letters.

    Example:
        >>> orientation_codes(np.diag([-1.0, -1.0, 2.0, 1.0]))
        'LPS'
    """
    matrix = cosines(affine)
    letters = [""] * 3
    for axis, world in _axes_to_world(matrix):
        letters[axis] = AXIS_LETTERS[world][int(matrix[world, axis] > 0)]
    return "".join(letters)


def _axes_to_world(matrix: FloatArray) -> list[tuple[int, int]]:
    """Pair each index axis with its own world axis, the best-aligned pair first."""
    left = np.abs(matrix)  # (world, axis)
    pairs = []
    for _ in range(3):
        world, axis = np.unravel_index(int(np.argmax(left)), (3, 3))
        pairs.append((int(axis), int(world)))
        left = left.copy()
        left[world, :], left[:, axis] = -1.0, -1.0
    return pairs


def is_oblique(affine: ArrayLike) -> bool:
    """Tell whether any index axis runs off the patient's axes.

    Args:
        affine: (4, 4), index to RAS+ mm.

    Example:
        >>> is_oblique(np.diag([-1.0, 1.0, 2.0, 1.0]))
        False
    """
    return bool((np.abs(cosines(affine)).max(axis=0) < OBLIQUE_COSINE).any())


def edge_letters(direction: ArrayLike) -> str:
    """Name the direction that an edge of a picture points to, strongest letter first.

    Args:
        direction: (3,), in RAS+; need not be a unit vector.

    Returns:
        One to three letters, such as "L" or "AL".

    Source:
        PS3.3 C.7.6.1.1.1 (Patient Orientation).

    Example:
        >>> edge_letters([-0.3, 0.9, 0.0])
        'AL'
    """
    vector = np.asarray(direction, float)
    vector = vector / np.linalg.norm(vector)
    order = np.argsort(-np.abs(vector), kind="stable")
    return "".join(AXIS_LETTERS[w][int(vector[w] > 0)] for w in order if abs(vector[w]) > 0.0175)  # 1 degree


def reorientation(affine: ArrayLike, codes: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Find the axis order and flips that bring a grid into the orientation named.

    Args:
        affine: (4, 4), index to RAS+ mm.
        codes: three letters such as "RAS".

    Returns:
        (order, flips): new axis n is old axis `order[n]`, reversed when `flips[n]`.

    Raises:
        ValueError: when `codes` does not name each of the three axes once.

    Example:
        >>> reorientation(np.diag([-1.0, -1.0, 2.0, 1.0]), "RAS")
        ((0, 1, 2), (True, True, False))
    """
    wanted = [next((w for w, pair in enumerate(AXIS_LETTERS) if c in pair), -1) for c in codes]
    if sorted(wanted) != [0, 1, 2]:
        raise ValueError(f"orientation must name each of L/R, P/A and I/S once, got {codes!r}")
    have = orientation_codes(affine)
    world_of_axis = [next(w for w, pair in enumerate(AXIS_LETTERS) if c in pair) for c in have]
    order = tuple(world_of_axis.index(w) for w in wanted)
    flips = tuple(have[axis] != code for axis, code in zip(order, codes, strict=True))
    return order, flips  # type: ignore[return-value]


def reoriented_affine(affine: ArrayLike, shape: Sequence[int], order: Sequence[int], flips: Sequence[bool]) -> Affine:
    """Give the affine of a grid whose axes were permuted, then reversed.

    Args:
        affine: (4, 4), index to RAS+ mm of the old grid.
        shape: (3,), of the old grid.
        order: (3,), new axis n is old axis `order[n]`.
        flips: (3,), new axis n runs backwards along it.

    Returns:
        (4, 4), index of the new grid to RAS+ mm.
    """
    new_to_old = np.zeros((4, 4))
    new_to_old[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        new_to_old[old, new] = -1.0 if flip else 1.0
        new_to_old[old, 3] = shape[old] - 1 if flip else 0
    return np.asarray(affine, float) @ new_to_old


def spaced_grid(
    affine: ArrayLike, shape: Sequence[int], new_spacing_mm: Sequence[float]
) -> tuple[Affine, tuple[int, int, int]]:
    """Lay a grid of another spacing over the same field of view.

    The outer edges of the first voxels coincide; the last edge moves by less than one new voxel, and never so far in
    that the centre of an old voxel is left outside.

    Args:
        affine: (4, 4), index to mm.
        shape: (3,).
        new_spacing_mm: (3,), mm, positive.

    Returns:
        (affine, shape) of the new grid.

    Example:
        >>> spaced_grid(np.eye(4), (10, 10, 10), (2, 2, 2))[1]
        (5, 5, 5)
    """
    ratio = np.asarray(new_spacing_mm, float) / spacing_mm(affine)
    extent = np.asarray(shape, float)
    new_shape = np.maximum(np.round(extent / ratio), np.ceil((extent - 0.5) / ratio)).astype(int)
    return scaled_affine(affine, ratio), tuple(int(n) for n in new_shape)  # type: ignore[return-value]


def scaled_affine(affine: ArrayLike, ratio: Sequence[float] | FloatArray) -> Affine:
    """Stretch voxels about the outer corner of the first one.

    Args:
        affine: (4, 4), index to mm.
        ratio: (3,), new voxel size over old.

    Returns:
        (4, 4): the first voxel's outer corner stays where it was.
    """
    factors = np.asarray(ratio, float)
    step = np.diag([*factors, 1.0])
    step[:3, 3] = (factors - 1.0) / 2.0
    return np.asarray(affine, float) @ step


def shifted_affine(affine: ArrayLike, start_ijk: Sequence[float] | FloatArray) -> Affine:
    """Give the affine of a crop (or, with negative starts, of a padded grid).

    Args:
        affine: (4, 4), index to mm.
        start_ijk: (3,), index in the old grid of the new grid's first voxel.

    Returns:
        (4, 4), index of the new grid to mm.

    Example:
        >>> float(shifted_affine(np.diag([2.0, 2.0, 2.0, 1.0]), (1, 0, 0))[0, 3])
        2.0
    """
    step = np.eye(4)
    step[:3, 3] = start_ijk
    return np.asarray(affine, float) @ step


def index_to_index(from_affine: ArrayLike, to_affine: ArrayLike) -> Affine:
    """Carry indices of one grid to indices of another in the same world.

    Args:
        from_affine: (4, 4), index to mm of the first grid.
        to_affine: (4, 4), index to mm of the second grid, not singular.

    Returns:
        (4, 4), first index to second index (fractional).

    Example:
        >>> float(index_to_index(np.diag([2.0, 2.0, 2.0, 1.0]), np.eye(4))[0, 0])
        2.0
    """
    return np.asarray(np.linalg.inv(np.asarray(to_affine, float)) @ np.asarray(from_affine, float))


def nearest_voxel(affine: ArrayLike, shape: Sequence[int], point_mm: ArrayLike) -> tuple[int, int, int]:
    """Find the voxel that lies nearest to a point, inside the grid.

    Args:
        affine: (4, 4), index to mm.
        shape: (3,), of the grid.
        point_mm: (3,), mm, in the affine's frame.

    Returns:
        (i, j, k).

    Example:
        >>> nearest_voxel(np.diag([2.0, 2.0, 2.0, 1.0]), (4, 4, 4), (2.2, 99.0, -5.0))
        (1, 3, 0)
    """
    index = np.rint(apply_affine(np.linalg.inv(np.asarray(affine, float)), point_mm)).astype(int)
    i, j, k = (int(n) for n in np.clip(index, 0, np.array(shape) - 1))
    return i, j, k


def centre_mm(affine: ArrayLike, shape: Sequence[int]) -> FloatArray:
    """Find the middle of a grid.

    Args:
        affine: (4, 4), index to mm.
        shape: (3,).

    Returns:
        (3,), mm.

    Example:
        >>> centre_mm(np.eye(4), (3, 3, 3))
        array([1., 1., 1.])
    """
    return apply_affine(affine, (np.asarray(shape, float) - 1.0) / 2.0)
