"""An oblique or tilted Volume -> the same scan on the patient's axes, by linear interpolation; for looking only.

Knows geometry; nothing here reaches a network. It is offered apart from the scan as it was made, and says so.
"""

from __future__ import annotations

import itertools

import numpy as np

from medres import geometry
from medres.preprocessing.resample import resample
from medres.volume import Volume

TITLE = "reformatted to patient axes"
MOST_VOXELS = 200_000_000  # beyond this the grid is made coarser, evenly along all axes
STRAIGHT_DEGREES = 0.5  # shear below this is no tilt


def can_reformat(volume: Volume) -> bool:
    """Tell whether a scan lies off the patient's axes, and whether those are known.

    Args:
        volume: grey or colour.
    """
    if volume.frame != "patient" or volume.is_picture or volume.is_colour or not volume.spacing_known:
        return False
    if "W_NIFTI_NO_SIDE" in volume.codes:
        return False
    return geometry.is_oblique(volume.affine) or abs(geometry.shear_degrees(volume.affine)) > STRAIGHT_DEGREES


def to_patient_axes(volume: Volume) -> Volume:
    """Lay a scan onto a grid along the patient's axes that holds all of it.

    Args:
        volume: one that `can_reformat`.

    Returns:
        A Volume of the same kind of values, L to R, P to A, I to S along i, j, k; its spacing along each axis is
        that of the scan's axis nearest to it. Outside the scan stands the scan's smallest value.
    """
    spacing = _spacing_by_patient_axis(volume)
    corners = np.array(list(itertools.product(*[(-0.5, n - 0.5) for n in volume.shape])))
    places = geometry.apply_affine(volume.affine, corners)
    low, extent = places.min(axis=0), np.ptp(places, axis=0)
    spacing = spacing * max(1.0, float((np.prod(extent / spacing) / MOST_VOXELS) ** (1 / 3)))
    shape = tuple(int(n) for n in np.ceil(extent / spacing - 1e-6))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low + spacing / 2
    matrix = geometry.index_to_index(affine, volume.affine)
    found = resample(volume.voxels, matrix, shape, float(volume.voxels.min()))  # type: ignore[arg-type]
    voxels = np.rint(found).astype(volume.voxels.dtype) if volume.voxels.dtype.kind in "iu" else found
    return volume.with_voxels(np.asfortranarray(voxels), affine, padding=None)


def _spacing_by_patient_axis(volume: Volume) -> np.ndarray:
    """Order the spacing by the patient's axes: that of the index axis nearest to each."""
    order = geometry.reorientation(volume.affine, "RAS")[0]
    return np.array(volume.spacing_mm)[list(order)]
