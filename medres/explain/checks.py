"""One scan's heatmap put to the test: does it hit the lesion, does it hang on the weights, does it matter to the score?

Knows a network and its input; knows no folder and no page.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, stats
from torch import nn

from medres import geometry
from medres.preprocessing.model_input import ModelInput

DELETED_SHARE = 0.1  # of the native cells, the hottest, at least one
RANDOM_DRAWS = 5  # of as many cells, to compare with
VIEWS_AT_ONCE = 8


@dataclass(frozen=True)
class Lesion:
    """Where something is known to be.

    Attributes:
        centre_mm: (3,), RAS+ mm.
        radius_mm: of a ball about it, mm.
    """

    centre_mm: tuple[float, float, float]
    radius_mm: float = 0.0


def hits(relevance: NDArray[np.float32], affine: NDArray[np.float64], lesions: Sequence[Lesion]) -> NDArray[np.bool_]:
    """Tell for each native cell whether a lesion reaches within one cell of its centre along every axis.

    Args:
        relevance: (i, j, k); only its shape counts.
        affine: (4, 4), native index to RAS+ mm.
        lesions: at least one.

    Returns:
        (i, j, k) bool: the hottest cell should be one of them; their share is the chance of a blind hit.
    """
    index = np.moveaxis(np.indices(relevance.shape), 0, -1).astype(float)
    cell_mm = geometry.spacing_mm(affine)
    near = np.zeros(relevance.shape, bool)
    for lesion in lesions:
        centre = geometry.apply_affine(np.linalg.inv(affine), lesion.centre_mm)
        near |= (np.abs(index - centre) <= 1.0 + lesion.radius_mm / cell_mm).all(axis=-1)
    return near


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """Copy a network with freshly drawn weights; torch's own generator is left as it was.

    Args:
        network: any; it is left as it was.
        seed: same seed, same weights.

    Returns:
        The copy, in eval mode.

    Source:
        Adebayo et al. (2018), Sanity checks for saliency maps, arXiv:1810.03292.
    """
    other = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in other.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    return other.eval()


def likeness(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Compare the order of two maps' cells.

    Args:
        first: any shape.
        second: the same shape.

    Returns:
        Spearman's rank correlation in [-1, 1]; NaN where a map is flat.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(stats.spearmanr(first.ravel(), second.ravel()).statistic)


def deletion_gain(
    network: nn.Module,
    given: ModelInput,
    label: int,
    relevance: NDArray[np.float32],
    affine: NDArray[np.float64],
    *,
    rng: np.random.Generator,
) -> float:
    """Blur the hottest cells out, then as many cells drawn at random: which lowers the logit more?

    Args:
        network: in eval mode.
        given: what it is shown.
        label: index of the class.
        relevance: (i, j, k) on the native grid.
        affine: (4, 4), native index to mm.
        rng: draws the other cells.

    Returns:
        How much further the logit falls than at the median random draw; positive is good.

    Source:
        Petsiuk et al. (2018), RISE, arXiv:1806.07421 (deletion), against a random baseline.
    """
    owner = _owners(given, relevance.shape, affine)  # (i, j, k) of the prepared grid
    count = max(1, round(DELETED_SHARE * relevance.size))
    order = np.argsort(-relevance, axis=None, kind="stable")
    draws = [rng.choice(relevance.size, count, replace=False) for _ in range(RANDOM_DRAWS)]
    soft = _blurred(given)
    logits = [_logit(network, _erased(given, soft, np.isin(owner, cells)), label) for cells in (order[:count], *draws)]
    return float(np.median(logits[1:]) - logits[0])


def _owners(given: ModelInput, native: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.int_]:
    """Number, for each voxel of the prepared grid, its nearest native cell."""
    to_native = geometry.index_to_index(given.affine, affine)
    index = np.moveaxis(np.indices(given.shape), 0, -1)
    cells = np.rint(geometry.apply_affine(to_native, index)).astype(int)
    clipped = np.clip(cells, 0, np.array(native) - 1)
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(clipped, -1, 0)), native))


def _blurred(given: ModelInput) -> torch.Tensor:
    """Blur what the network is shown until nothing small is left."""
    values = given.batch.numpy()
    widths = (0, 0, *(max(1.0, n / 8) for n in values.shape[2:]))
    return torch.from_numpy(ndimage.gaussian_filter(values, widths, mode="nearest"))


def _erased(given: ModelInput, soft: torch.Tensor, region: NDArray[np.bool_]) -> torch.Tensor:
    """Put the blurred values in place of the region's, in every view."""
    masks = [_as_tensor(region, given, n) for n in range(len(given.batch))]
    return torch.where(torch.stack(masks)[:, None], soft, given.batch)


def _as_tensor(region: NDArray[np.bool_], given: ModelInput, view: int) -> torch.Tensor:
    """Cut one view out of a mask on the prepared grid, in the tensor's axis order."""
    if given.views:
        box = given.views[view]
        region = region[tuple(slice(s, s + n) for s, n in zip(box.start, box.size, strict=True))]
    if given.batch.ndim == 5:
        return torch.from_numpy(np.ascontiguousarray(region))
    flat = int(np.argmin(region.shape)) if given.views else 2
    return torch.from_numpy(np.ascontiguousarray(np.take(region, 0, axis=flat).T))  # (rows, columns)


def _logit(network: nn.Module, batch: torch.Tensor, label: int) -> float:
    """Give the largest logit of a class over the views."""
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [network(part.to(device))[:, label].cpu() for part in batch.split(VIEWS_AT_ONCE)]
    return float(torch.cat(parts).max())
