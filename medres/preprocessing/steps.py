"""The steps of preprocessing, all of one shape: Volume -> Volume.

Each knows the Volume and its own arguments, nothing of networks or files; `pipeline.py` puts them in order and is the
only module that may import them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.preprocessing import resample
from medres.preprocessing.grid import Grid
from medres.preprocessing.spec import Intensity, Percentiles, Window
from medres.volume import Volume

AIR_HU = -1000.0
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
MARGIN_VOXELS = 2  # source voxels kept around a grid beyond the reach of its filter


def reorient(volume: Volume, codes: str | None) -> Volume:
    """Permute and reverse index axes; no voxel changes.

    Args:
        volume: in patient space, or any with `codes` None.
        codes: three letters such as "RAS"; None keeps the axes.

    Returns:
        The same voxels with the affine of their new order.
    """
    if codes is None:
        return volume
    order, flips = geometry.reorientation(volume.affine, codes)
    affine = geometry.reoriented_affine(volume.affine, volume.shape, order, flips)
    padding = None if volume.padding is None else _turned(volume.padding, order, flips)
    return volume.with_voxels(_turned(volume.voxels, order, flips), affine, padding=padding)


def _turned(array: NDArray[Any], order: tuple[int, ...], flips: tuple[bool, ...]) -> NDArray[Any]:
    """Permute, then reverse the first three axes, as a view."""
    turned = array.transpose(*order, *range(3, array.ndim))
    return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def crop_around(volume: Volume, grid: Grid) -> Volume:
    """Leave out voxels that a grid cannot need, so that later steps touch less memory.

    Args:
        volume: any.
        grid: what will be interpolated.

    Returns:
        A view of the box around the grid, with its affine; at least one voxel.
    """
    matrix = geometry.index_to_index(grid.affine, volume.affine)
    last = np.array(grid.shape, float) - 1.0
    reach = np.ceil(np.abs(matrix[:3, :3]).max(axis=1)) + MARGIN_VOXELS
    steps = matrix[:3, :3] * last[None, :]  # extent of the grid along each axis, in old voxels
    lowest = matrix[:3, 3] + np.minimum(steps, 0.0).sum(axis=1) - reach
    highest = matrix[:3, 3] + np.maximum(steps, 0.0).sum(axis=1) + reach
    shape = np.array(volume.shape)
    start = np.clip(np.floor(lowest), 0, shape - 1).astype(int)
    stop = np.clip(np.ceil(highest) + 1, start + 1, shape).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    padding = None if volume.padding is None else volume.padding[box]
    return volume.with_voxels(volume.voxels[box], geometry.shifted_affine(volume.affine, start), padding=padding)


def _range(volume: Volume) -> tuple[float, float]:
    """Give the least and the largest value outside padding."""
    values = _own_voxels(volume)
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def _own_voxels(volume: Volume) -> NDArray[Any]:
    """Give the values outside padding, (n,) or the whole array."""
    return volume.voxels if volume.padding is None else volume.voxels[~volume.padding]


def background(volume: Volume) -> float:
    """Say what stands where there is no scan: air for HU, else the scan's own least value (padding left out).

    Args:
        volume: any.

    Returns:
        A value in the Volume's unit.
    """
    return AIR_HU if volume.unit == "HU" else _range(volume)[0]


def replace_padding(volume: Volume) -> Volume:
    """Write the background over padding, so that it neither shines nor bleeds into its neighbours.

    Args:
        volume: any.

    Returns:
        A copy without padded values; the mask stays.
    """
    if volume.padding is None:
        return volume
    voxels = volume.voxels.astype(np.float32)
    voxels[volume.padding] = background(volume)
    return volume.with_voxels(voxels)


def to_colours(volume: Volume, colour: str) -> Volume:
    """Bring a Volume to one grey value (ITU-R BT.601 luminance) or to three colours.

    Args:
        volume: any.
        colour: "grey" or "rgb"; a grey Volume is repeated for "rgb".

    Returns:
        Voxels (i, j, k) for "grey", (i, j, k, 3) for "rgb".
    """
    if colour == "grey" and volume.is_colour:
        red, green, blue = (volume.voxels[..., n].astype(np.float32) * LUMINANCE[n] for n in range(3))
        return volume.with_voxels(red + green + blue)  # (i, j, k)
    if colour == "rgb" and not volume.is_colour:
        return volume.with_voxels(np.repeat(volume.voxels[..., None], 3, axis=3))  # (i, j, k, 3)
    return volume


def onto_grid(volume: Volume, grid: Grid) -> Volume:
    """Interpolate onto a grid, smoothed along axes that get coarser.

    Args:
        volume: padding replaced.
        grid: the prepared grid.

    Returns:
        float32 voxels on that grid; its padding marks the scanner's own and all that lies outside the scan.
    """
    matrix = geometry.index_to_index(grid.affine, volume.affine)
    fill = background(volume)
    planes = [volume.voxels[..., n] for n in range(3)] if volume.is_colour else [volume.voxels]
    found = [resample.resample(plane, matrix, grid.shape, fill) for plane in planes]
    voxels = np.stack(found, axis=-1) if volume.is_colour else found[0]
    if volume.padding is None:
        padding = resample.outside(matrix, grid.shape, volume.shape)
    else:
        padding = resample.nearest(volume.padding, matrix, grid.shape)
    return volume.with_voxels(voxels, grid.affine, padding=padding)


def scale_intensity(volume: Volume, intensity: Intensity) -> Volume:
    """Bring values to the network's range; statistics are of the voxels shown, padding left out.

    Args:
        volume: on the prepared grid.
        intensity: window, percentiles or standardise.

    Returns:
        float32 voxels without unit.
    """
    shift, factor, bounds = _scaling(volume, intensity)
    voxels = volume.voxels.astype(np.float32)
    if bounds is not None:
        np.clip(voxels, np.float32(bounds[0]), np.float32(bounds[1]), out=voxels)
    voxels -= np.float32(shift)
    voxels *= np.float32(factor)
    return volume.with_voxels(voxels, unit="1")


def _scaling(volume: Volume, intensity: Intensity) -> tuple[float, float, tuple[float, float] | None]:
    """Find (shift, factor, bounds): values are cut to bounds, shifted, multiplied; a flat scan becomes 0.

    The bounds of a standardised scan are its own values: what fills the outside of a scan must not stand out from it.
    """
    if isinstance(intensity, Window):
        return intensity.lower, 1.0 / (intensity.upper - intensity.lower), (intensity.lower, intensity.upper)
    values = _own_voxels(volume)
    if isinstance(intensity, Percentiles):
        return _cut(values, intensity) if values.size else (0.0, 0.0, None)
    region = values[values > intensity.threshold] if intensity.region == "foreground" else values
    return (*_moments(region), _range(volume)) if region.size else (0.0, 0.0, None)


def _cut(values: NDArray[Any], intensity: Percentiles) -> tuple[float, float, tuple[float, float]]:
    """Scale so that two percentiles become 0 and 1."""
    lower, upper = (float(p) for p in np.percentile(values, [intensity.lower, intensity.upper]))
    return lower, 1.0 / (upper - lower) if upper > lower else 0.0, (lower, upper)


def _moments(values: NDArray[Any]) -> tuple[float, float]:
    """Give the shift and the factor that bring values to mean 0 and standard deviation 1."""
    mean = float(values.mean(dtype=np.float64))
    deviation = float(np.sqrt(np.square(values - mean, dtype=np.float64).mean()))
    return mean, 1.0 / deviation if deviation > 0 else 0.0
