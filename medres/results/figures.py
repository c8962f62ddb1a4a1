"""Volume + Heatmap -> pictures: single slices, and sheets of key slices with everything burned in.

Knows no file and no page. `render_slice` is the reference that the viewer's canvas is compared against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medres import geometry
from medres.results import overlay
from medres.results.planes import Plane, PlaneGrid, Slab, pixel_to_mm, plane_grid, plane_values, slab_values
from medres.results.windows import DisplayWindow, apply_window, first_window
from medres.volume import Volume

if TYPE_CHECKING:
    from medres.explain.heatmap import Heatmap


def render_slice(
    volume: Volume,
    plane: Plane,
    index: int | Slab,
    window: DisplayWindow | None = None,
    *,
    heatmap: Heatmap | None = None,
    style: overlay.Style = "contour",
    cells: bool = False,
    pixel_mm: float | None = None,
) -> NDArray[np.uint8]:
    """Draw one slice as the viewer's canvas does: grey levels, and heat over them; no text.

    Args:
        volume: grey or colour; a colour picture is shown as it is.
        plane: one of `planes_of(volume)`.
        index: along the Volume's own slice axis; or several slices of a grey volume shown as one.
        window: None takes the file's own, else robust percentiles.
        heatmap: drawn with its own fixed scale and threshold; None draws none.
        style: "contour" at the threshold, or "fill" with opacity rising from it.
        cells: show the heatmap's native cells instead of values interpolated between their centres.
        pixel_mm: side of a square pixel; None gives one pixel for each voxel.

    Returns:
        (rows, columns, 3) uint8, radiological convention.
    """
    grid = plane_grid(volume, plane)
    middle = index.middle if isinstance(index, Slab) else index
    if isinstance(index, Slab) and not volume.is_colour:
        values = slab_values(volume, grid, index)
    else:
        values = plane_values(volume, grid, middle)
    if pixel_mm is not None:
        _, width, height = pixel_to_mm(grid, middle, pixel_mm)
        values = _resized(values, height, width)
    picture = _picture_of(volume, values, window)
    if heatmap is None:
        return picture
    heat = heat_on_slice(heatmap, grid, middle, pixel_mm=pixel_mm, cells=cells)
    thickness = 1 if pixel_mm is None else 2
    return overlay.blend(
        picture, heat, threshold=heatmap.threshold, scale=heatmap.scale, style=style, thickness=thickness
    )


def heat_on_slice(
    heatmap: Heatmap, grid: PlaneGrid, index: int, *, pixel_mm: float | None = None, cells: bool = False
) -> NDArray[np.float32]:
    """Sample a heatmap at the pixel centres of one slice.

    Args:
        heatmap: on its native grid.
        grid: the plane.
        index: the slice.
        pixel_mm: as in `render_slice`.
        cells: nearest native cell instead of trilinear.

    Returns:
        (rows, columns) float32, in the heatmap's unit; 0 outside what the network was shown.
    """
    return heatmap.at_mm(pixel_centres_mm(grid, index, pixel_mm), cells=cells)


def pixel_centres_mm(grid: PlaneGrid, index: int, pixel_mm: float | None = None) -> NDArray[np.float64]:
    """Give the place of each pixel of one slice.

    Args:
        grid: the plane.
        index: the slice.
        pixel_mm: as in `render_slice`.

    Returns:
        (rows, columns, 3), RAS+ mm.
    """
    affine, width, height = pixel_to_mm(grid, index, pixel_mm)
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    pixels = np.stack([columns, rows, np.zeros_like(rows)], axis=-1)  # (rows, columns, 3)
    return geometry.apply_affine(affine, pixels)


def _picture_of(volume: Volume, values: NDArray, window: DisplayWindow | None) -> NDArray[np.uint8]:
    if volume.is_colour:
        return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)
    return np.repeat(_grey_levels(volume, values, window)[..., None], 3, axis=-1)


def _grey_levels(volume: Volume, values: NDArray, window: DisplayWindow | None) -> NDArray[np.uint8]:
    table = volume.display.voi_lut
    if window is None and table is not None:
        levels = np.rint(np.interp(values, table[0], table[1]) * 255).astype(np.uint8)
    else:
        levels = apply_window(values, window or first_window(volume))
    return np.asarray(255 - levels if volume.display.inverted else levels)


def _resized(values: NDArray, height: int, width: int) -> NDArray[np.float64]:
    """Resample a slice linearly, outer edges kept: (rows, columns[, 3]) -> (height, width[, 3])."""
    rows = (np.arange(height) + 0.5) * values.shape[0] / height - 0.5
    columns = (np.arange(width) + 0.5) * values.shape[1] / width - 0.5
    places = np.meshgrid(rows, columns, indexing="ij")
    if values.ndim == 2:
        return np.asarray(ndimage.map_coordinates(np.nan_to_num(values.astype(float)), places, order=1, mode="nearest"))
    return np.stack([_resized(values[..., c], height, width) for c in range(values.shape[-1])], axis=-1)
