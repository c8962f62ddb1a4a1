"""What a network of patches was shown and said -> the most suspicious places in mm, strongest first.

Works from the network alone: no mask, no point. A sliding patch says that something is in it; where in it is read off
the evidence of the network's finest cells, in a patch cut anew about the first guess (docs/patches.md says what that
is worth).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn

from medres import geometry
from medres.classifier.prediction import Place
from medres.models.evidence import cell_evidence
from medres.preprocessing.model_input import ModelInput, View
from medres.preprocessing.views import cut_boxes, lay_box
from medres.volume import Volume

MOST_PLACES = 5
CANDIDATES = 32  # most suspicious patches that are looked into
LEAST_PROBABILITY = 0.05  # of a patch, below which it holds no suspicious place
APART = 0.25  # share of a patch's edge within which two peaks are one place
BLUR_VOXELS = 2.0  # prepared voxels over which evidence is smoothed before its peak is looked for
REACH = 0.25  # share of a patch's edge about a peak in which the evidence makes its centre


@dataclass(frozen=True)
class Finder:
    """How places are found.

    Attributes:
        network: torch module in eval mode.
        positive: index of the label that is looked for.
        layer: whose cells give the place.
    """

    network: nn.Module
    positive: int
    layer: str


def finest_layer(network: nn.Module) -> str:
    """Name the layer with the finest cells that is a map: the first stage, or what Grad-CAM looks at where none is.

    Args:
        network: of the registry.
    """
    stages, shown = tuple(getattr(network, "stages", ())), str(getattr(network, "cam_layer", ""))
    return str(stages[0]) if shown in stages else shown


def find_places(
    finder: Finder, shown: ModelInput, probabilities: NDArray[np.float64], reference: Volume
) -> tuple[Place, ...]:
    """Find the most suspicious places of a scan that was shown in patches.

    Args:
        finder: network, label and layer.
        shown: of `prepare`, with its grid and its patches.
        probabilities: (V,), of the label in each patch.
        reference: the scan.

    Returns:
        At most five, strongest first; none for other views than patches.
    """
    if shown.grid is None:
        return ()
    order = np.argsort(-probabilities, kind="stable")[:CANDIDATES]
    chosen = [shown.views[n] for n in order if probabilities[n] >= LEAST_PROBABILITY]
    if not chosen:
        return ()
    peaks = find_peaks(finder, shown, chosen)
    kept = thin_out(peaks, np.array(chosen[0].size))[:MOST_PLACES]
    refined = refine(finder, shown, [peaks[n] for n in kept])
    return tuple(
        to_place(index, float(probabilities[order[n]]), shown, reference)
        for n, index in zip(kept, refined, strict=True)
    )


def find_peaks(finder: Finder, shown: ModelInput, boxes: Sequence[View]) -> NDArray[np.float64]:
    """Find the cell with most evidence in each patch.

    Args:
        finder: network, label and layer.
        shown: with its grid.
        boxes: V patches.

    Returns:
        (V, 3), places in the prepared grid.
    """
    maps, start, step = _smooth_evidence(finder, shown, boxes)
    best = np.array([np.unravel_index(int(np.argmax(one)), one.shape) for one in maps])
    return np.array([box.start for box in boxes]) + start + best * step


def _smooth_evidence(
    finder: Finder, shown: ModelInput, boxes: Sequence[View]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Give the smoothed evidence of each patch, (V, *cells), and where its cells begin and how far apart they lie."""
    assert shown.grid is not None  # asked by the caller
    maps, cells = cell_evidence(finder.network, cut_boxes(shown.grid, boxes), finder.positive, finder.layer)
    step = np.array(cells.step)
    smooth = [ndimage.gaussian_filter(one, BLUR_VOXELS / step, mode="nearest") for one in maps]
    return np.array(smooth), np.array(cells.start), step


def thin_out(peaks: NDArray[np.float64], size: NDArray[np.int_]) -> list[int]:
    """Keep the first of all peaks that lie near each other.

    Args:
        peaks: (V, 3), strongest first.
        size: (3,), of a patch.

    Returns:
        Which are kept, rising.

    Example:
        >>> thin_out(np.array([[8.0, 8, 8], [9.0, 8, 8], [20.0, 8, 8]]), np.array([24, 24, 24]))
        [0, 2]
    """
    kept: list[int] = []
    for number, peak in enumerate(peaks):
        if not any((np.abs(peak - peaks[other]) < APART * size).all() for other in kept):
            kept.append(number)
    return kept


def refine(finder: Finder, shown: ModelInput, peaks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Cut a patch anew about each peak and take the centre of the evidence near it.

    Args:
        finder: network, label and layer.
        shown: with its grid.
        peaks: places in the prepared grid.

    Returns:
        (V, 3), places in the prepared grid.
    """
    boxes = [lay_box(peak, shown.views[0].size, shown.shape) for peak in peaks]
    maps, start, step = _smooth_evidence(finder, shown, boxes)
    return np.array([_centre(one, box, start, step) for one, box in zip(maps, boxes, strict=True)])


def _centre(
    evidence: NDArray[np.float32], box: View, start: NDArray[np.float64], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take the mean place of the evidence above half of its maximum near its peak, weighted by it."""
    cells = np.moveaxis(np.indices(evidence.shape), 0, -1)  # (*cells, 3)
    peak = np.array(np.unravel_index(int(np.argmax(evidence)), evidence.shape))
    near = (np.abs(cells - peak) * step <= np.maximum(REACH * np.array(box.size), step)).all(axis=-1)
    above = np.where(near, np.maximum(evidence - evidence.max() / 2.0, 0.0), 0.0)
    weights = above if above.sum() > 0.0 else np.where((cells == peak).all(axis=-1), 1.0, 0.0)
    centre: NDArray[np.float64] = (cells * weights[..., None]).sum(axis=(0, 1, 2)) / weights.sum()
    return np.array(box.start) + start + centre * step


def join_places(found: Sequence[Sequence[Place]]) -> tuple[Place, ...]:
    """Join the places of several members of an ensemble: near ones become one, with the mean of their probabilities.

    Args:
        found: places of each member; one that does not name a place counts there as 0.

    Returns:
        Strongest first, at most five; each where the member that is surest of it puts it.

    Example:
        >>> one = Place((0.0, 0.0, 0.0), (1, 1, 1), 0.8, (24.0, 24.0, 24.0))
        >>> [round(place.probability, 3) for place in join_places([[one], [], [one]])]
        [0.533]
    """
    left = sorted((place for places in found for place in places), key=lambda place: -place.probability)
    joined: list[Place] = []
    while left:
        near = [place for place in left if _is_near(place, left[0])]
        joined.append(replace(left[0], probability=sum(place.probability for place in near) / len(found)))
        left = [place for place in left if place not in near]
    return tuple(sorted(joined, key=lambda place: -place.probability)[:MOST_PLACES])


def _is_near(one: Place, other: Place) -> bool:
    away = np.abs(np.array(one.centre_mm) - other.centre_mm)
    return bool((away < APART * np.array(other.patch_mm)).all())


def to_place(index: NDArray[np.float64], probability: float, shown: ModelInput, reference: Volume) -> Place:
    """Say in mm and in the scan's own voxels where a place of the prepared grid lies.

    Args:
        index: (3,), in the prepared grid.
        probability: of its patch.
        shown: with the grid's affine.
        reference: the scan.
    """
    mm = geometry.apply_affine(shown.affine, index)
    x, y, z = (float(value) for value in mm)
    width, depth, height = (float(n) for n in geometry.spacing_mm(shown.affine) * shown.views[0].size)
    voxel = geometry.nearest_voxel(reference.affine, reference.shape, mm)
    return Place((x, y, z), voxel, probability, (width, depth, height))
