"""A row's lesion points or segmentation -> where its lesions lie in the prepared grid, and what a patch holds of them.

Knows geometry and the manifest's files; knows neither network nor loss. Nothing of this is looked at in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medres import geometry
from medres.datasets.masks import number_lesions, read_segmentation
from medres.datasets.points import check_points, read_points
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import DatasetError
from medres.preprocessing.model_input import ModelInput, View
from medres.training.instances import Supervision
from medres.volume import Volume

ENOUGH = 0.5  # share of a lesion, or of the inner part, that makes a patch positive by a mask
MOST_CELLS = 4000  # voxels of a segmented lesion that are kept, spread evenly over it

Held = Literal["lesion", "part", "nothing"]


@dataclass(frozen=True, eq=False)
class Frames:
    """Where a scan and its prepared grid lie.

    Attributes:
        scan_affine, scan_shape: (4, 4), index to RAS+ mm, and (3,), of the scan as read.
        affine: (4, 4), of the prepared grid.
    """

    scan_affine: NDArray[np.float64]
    scan_shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @classmethod
    def of(cls, reference: Volume, shown: ModelInput) -> Frames:
        """Take them from a scan and what was made of it."""
        return cls(reference.affine, reference.shape, shown.affine)

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> Frames:
        """Take them from the notes of a cache entry."""
        scan = np.array(notes["scan_affine"], float)
        return cls(scan, tuple(notes["scan_shape"]), np.array(notes["affine"], float))

    def to_notes(self) -> dict[str, Any]:
        """Give them as JSON-able notes."""
        return {
            "scan_affine": self.scan_affine.tolist(),
            "scan_shape": list(self.scan_shape),
            "affine": self.affine.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion in the prepared grid.

    Attributes:
        cells: (n, 3), places of its voxels in the prepared grid; one, its centre, for a point.
        cell_size: prepared voxels that each of them stands for; 0 for a point.
        reach: (3,), voxels that it reaches beyond its cells along each axis; its radius for a point.
    """

    cells: NDArray[np.float64]
    cell_size: float
    reach: NDArray[np.float64]

    def held_by(self, box: View, shape: tuple[int, int, int], inner: float) -> Held:
        """Tell what a patch holds of the lesion.

        Args:
            box: the patch.
            shape: (3,), the prepared grid.
            inner: share of the patch's edge within which a lesion counts; at the scan's border up to the border.

        Returns:
            "lesion": its centre, or half of its voxels, lie in the inner part, or half the inner part is lesion;
            "part": it is touched; "nothing".
        """
        start, size = np.array(box.start), np.array(box.size)
        margin = (1.0 - inner) / 2.0 * size
        lowest = np.where(start == 0, -np.inf, start - 0.5 + margin)
        highest = np.where(start + size == shape, np.inf, start + size - 0.5 - margin)
        inside = ((self.cells >= lowest) & (self.cells <= highest)).all(axis=1)
        fills = inside.sum() * self.cell_size >= ENOUGH * np.prod(inner * size)
        if inside.mean() >= ENOUGH or (self.cell_size and fills):
            return "lesion"
        near = (self.cells >= start - 0.5 - self.reach) & (self.cells <= start + size - 0.5 + self.reach)
        return "part" if near.all(axis=1).any() else "nothing"


def held_by_patch(lesions: Sequence[Lesion], box: View, shape: tuple[int, int, int], inner: float) -> Held:
    """Tell what a patch holds of all lesions of a scan: the most that it holds of any.

    Args:
        lesions: of the scan.
        box: the patch.
        shape: (3,), the prepared grid.
        inner: as `Lesion.held_by`.

    Example:
        >>> one = Lesion(np.array([[8.0, 8.0, 8.0]]), 0.0, np.ones(3))
        >>> [held_by_patch([one], View((s, 4, 4), (8, 8, 8)), (32, 32, 32), 0.5) for s in (4, 1, 12)]
        ['lesion', 'part', 'nothing']
    """
    found = {lesion.held_by(box, shape, inner) for lesion in lesions}
    return "lesion" if "lesion" in found else "part" if "part" in found else "nothing"


def find_lesions(
    manifest: Manifest, row: ManifestRow, supervision: Supervision, frames: Frames, *, must: bool
) -> tuple[Lesion, ...]:
    """Read where the lesions of a row lie.

    Args:
        manifest: that the row belongs to.
        row: with `points_path` or `mask_path`.
        supervision: "points" or "masks".
        frames: of the scan.
        must: the scan is positive, so that it must have a lesion.

    Returns:
        Lesions in the prepared grid; none for a scan without such a file.

    Raises:
        DatasetError: `E_POINTS` or `E_MASK` for a file that cannot be used, `E_LESION_NONE` for a positive scan
            without one.
    """
    place = manifest.points(row) if supervision == "points" else manifest.mask(row)
    found: tuple[Lesion, ...] = ()
    if place is not None:
        found = _from_points(place, frames) if supervision == "points" else _from_mask(place, frames)
    if must and not found:
        column = "points_path" if supervision == "points" else "mask_path"
        told = f"a positive scan must have a lesion in its {column} with supervision = {supervision!r}, got none"
        raise DatasetError("E_LESION_NONE", told)
    return found


def _from_points(place: Any, frames: Frames) -> tuple[Lesion, ...]:
    points = read_points(place)
    check_points(points, frames.scan_affine, frames.scan_shape)
    spacing = geometry.spacing_mm(frames.affine)
    to_grid = np.linalg.inv(frames.affine)
    return tuple(
        Lesion(
            geometry.apply_affine(to_grid, np.array([point.centre_mm])),  # (1, 3)
            0.0,
            (point.diameter_mm or 0.0) / 2.0 / spacing,
        )
        for point in points
    )


def _from_mask(place: Any, frames: Frames) -> tuple[Lesion, ...]:
    """Take each connected region of a segmentation as one lesion."""
    found = read_segmentation(place)
    affine = frames.scan_affine if found.affine is None else found.affine
    if found.affine is None and found.inside.shape != frames.scan_shape:
        told = f"the segmentation must have the scan's size {frames.scan_shape}, got {found.inside.shape}"
        raise DatasetError("E_MASK", told, "export it on the scan's own grid")
    numbered, count = number_lesions(found.inside)
    to_grid = geometry.index_to_index(affine, frames.affine)
    share = geometry.voxel_volume_mm3(affine) / geometry.voxel_volume_mm3(frames.affine)
    boxes = ndimage.find_objects(numbered)
    return tuple(_region(numbered, boxes[n - 1], n, to_grid, share) for n in range(1, count + 1))


def _region(numbered: NDArray[np.int_], box: Any, number: int, to_grid: NDArray[np.float64], share: float) -> Lesion:
    """Describe one region by its voxels, thinned evenly where they are many."""
    voxels = np.argwhere(numbered[box] == number) + [part.start for part in box]
    step = -(-len(voxels) // MOST_CELLS)
    cells = geometry.apply_affine(to_grid, voxels[::step])  # (n, 3)
    return Lesion(cells, share * len(voxels) / len(cells), np.full(3, 0.5))
