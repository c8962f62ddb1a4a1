"""Volume + Heatmap -> what a reading screen needs: bytes, planes, windows, words.

Knows no screen: everything here is numbers and text that fit into JSON, and buffers that are shared, not copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results import overlay
from medres.results.disclaimer import NO_REGION
from medres.results.planes import Plane, PlaneGrid, plane_grid, planes_of
from medres.results.report import sides_known
from medres.results.windows import CT_PRESETS, DisplayWindow, first_window
from medres.volume import Volume

Kind = Literal["int16", "uint8", "float32", "rgb"]
INT16 = np.iinfo(np.int16)
TITLES = {"axial": "Axial", "coronal": "Coronal", "sagittal": "Sagittal", "picture": "Picture"}
CHUNK = 16  # slices looked at in one go, to bound memory


@dataclass(frozen=True, eq=False)
class Buffer:
    """A grid's values as they travel to the screen.

    Attributes:
        content: bytes, i fastest, then j, then k; colour interleaved.
        kind: how one value is stored.
    """

    content: memoryview
    kind: Kind


def encode_voxels(volume: Volume) -> Buffer:
    """Lay a Volume's values out for a screen, in the smallest kind that keeps them exactly.

    Args:
        volume: grey or colour.

    Returns:
        The bytes; the Volume's own memory where its layout allows. Values that are not whole or do not fit into
        16 bits travel as float32.

    Example:
        >>> encode_voxels(Volume(np.zeros((2, 2, 2)), np.eye(4), "CT")).kind
        'int16'
    """
    if volume.is_colour:
        colours = np.rint(np.clip(volume.voxels, 0, 255))
        return Buffer(_bytes(colours.transpose(2, 1, 0, 3), np.uint8), "rgb")
    kind = _smallest_kind(volume.voxels)
    return Buffer(_bytes(volume.voxels.transpose(2, 1, 0), np.dtype(kind)), kind)


def _smallest_kind(voxels: NDArray) -> Kind:
    if voxels.dtype in (np.uint8, np.bool_):
        return "uint8"
    if voxels.dtype == np.int16:
        return "int16"
    for start in range(0, voxels.shape[2], CHUNK):
        part = voxels[..., start : start + CHUNK]
        if part.min() < INT16.min or part.max() > INT16.max or not np.array_equal(part, np.rint(part)):
            return "float32"
    return "int16"


def _bytes(array: NDArray, dtype: Any) -> memoryview:
    return np.ascontiguousarray(array, dtype).data.cast("B")


def describe_volume(volume: Volume, kind: Kind) -> dict[str, Any]:
    """Say how the bytes of a Volume are to be read and hung.

    Args:
        volume: the Volume.
        kind: from `encode_voxels` of the same Volume.

    Returns:
        `volume`, `planes`, `window`, `fallbackWindow`, `presets`, `noMeasuring`; fits into JSON.
    """
    planes = [plane_grid(volume, plane) for plane in planes_of(volume)]
    window = _window(first_window(volume))
    return {
        "volume": {
            "kind": kind,
            "shape": list(volume.shape),
            "affine": volume.affine.ravel().tolist(),
            "unit": volume.unit,
            "spacingKnown": volume.spacing_known,
            "sidesKnown": any(planes[0].letters),
        },
        "planes": [_describe_plane(volume, grid) for grid in planes],
        "window": _first_look(volume, window),
        "fallbackWindow": window,
        "presets": _presets(volume),
        "noMeasuring": _why_not_measure(volume),
    }


def _describe_plane(volume: Volume, grid: PlaneGrid) -> dict[str, Any]:
    direction = geometry.cosines(grid.affine)[:, 2]
    along = int(np.argmax(np.abs(direction)))
    patient = any(grid.letters)
    return {
        "name": grid.plane,
        "title": _title(volume, grid.plane),
        "axes": list(grid.order),
        "flips": list(grid.flips),
        "letters": list(grid.letters),
        "along": along if patient else None,
        "down": -1 if patient and direction[along] > 0 else 1,  # a wheel turned down walks to feet, back and left
    }


def _title(volume: Volume, plane: Plane) -> str:
    oblique = volume.frame == "patient" and geometry.is_oblique(volume.affine)
    return f"{TITLES[plane]}{', oblique' if oblique else ''}"


def _window(window: DisplayWindow) -> dict[str, Any]:
    return {"center": float(window.center), "width": float(window.width), "function": window.function}


def _first_look(volume: Volume, window: dict[str, Any]) -> dict[str, Any]:
    look = {**window, "inverted": volume.display.inverted}
    if volume.display.voi_lut is not None:
        look |= {"function": "lut", "lut": volume.display.voi_lut.tolist()}
    return look


def _presets(volume: Volume) -> list[dict[str, Any]]:
    if volume.modality != "CT":
        return []
    return [{"title": f"{name.capitalize()} {w.width:g}/{w.center:g}", **_window(w)} for name, w in CT_PRESETS.items()]


def _why_not_measure(volume: Volume) -> str:
    if not volume.spacing_known:
        return "Measuring is off: the true spacing is not known."
    if "W_DETECTOR_SPACING" in volume.codes:
        return "Measuring is off: the spacing is the detector's, not the patient's."
    return ""


def encode_heat(heatmap: Heatmap) -> memoryview:
    """Lay a heatmap's native values out for a screen.

    Args:
        heatmap: on its native grid.

    Returns:
        float32, i fastest.
    """
    return _bytes(heatmap.relevance.transpose(2, 1, 0), np.float32)


def describe_heatmap(heatmap: Heatmap) -> dict[str, Any]:
    """Say how the bytes of a heatmap are to be read, coloured and named.

    Args:
        heatmap: on its native grid.

    Returns:
        What the screen needs beside the bytes; fits into JSON.
    """
    return {
        "shape": list(heatmap.relevance.shape),
        "affine": heatmap.affine.ravel().tolist(),
        "seenShape": list(heatmap.seen_shape),
        "seenAffine": heatmap.seen_affine.ravel().tolist(),
        "scale": float(heatmap.scale),
        "threshold": float(heatmap.threshold),
        "colours": overlay.colour_table().ravel().tolist(),
        "opacities": [overlay.LEAST_OPACITY, overlay.MOST_OPACITY],
        "legend": legend_words(heatmap),
        "noRegion": NO_REGION,
    }


def legend_words(heatmap: Heatmap) -> str:
    """Name a heatmap's quantity, layer, native grid and scale in one line.

    Args:
        heatmap: on its native grid.

    Returns:
        Such as "Grad-CAM for lesion, layer4, 8 × 8 × 8 cells of 29 × 29 × 29 mm, scale of the model".
    """
    cells = " × ".join(str(n) for n in heatmap.relevance.shape)
    size = " × ".join(f"{mm:.3g}" for mm in heatmap.cell_mm)
    size = f" of {size} mm" if heatmap.spacing_known else ""
    scale = "scale of the model" if heatmap.scale_source == "explanation.json" else "scale of this study alone"
    return f"{heatmap.method} for {heatmap.label}, {heatmap.layer}, {cells} cells{size}, {scale}"


def place_in_scan(heatmap: Heatmap, point_mm: tuple[float, float, float], volume: Volume) -> tuple[float, float, float]:
    """Give where a place of a heatmap is to be looked at: there, or in the part of its cell that lies in the scan.

    Cells are coarse: the centre of one at the edge may lie beyond the scan's first or last slice, where there is
    nothing to see.

    Args:
        heatmap: on its native grid.
        point_mm: (3,), RAS+ mm, such as a region's hottest place.
        volume: the scan.

    Returns:
        (3,), RAS+ mm; in directions in which the centre is off the scan, the middle of what its cell shows of it.
    """
    shape = np.asarray(volume.shape)
    voxel = geometry.apply_affine(np.linalg.inv(volume.affine), point_mm)
    if ((voxel >= -0.5) & (voxel <= shape - 0.5)).all():
        return point_mm
    cell = geometry.apply_affine(np.linalg.inv(heatmap.affine), point_mm)
    to_cells = geometry.index_to_index(volume.affine, heatmap.affine)
    corners = geometry.apply_affine(to_cells, np.array(list(np.ndindex(2, 2, 2))) * shape - 0.5)  # (8, 3)
    last = np.asarray(heatmap.relevance.shape) - 1
    near = np.clip(np.rint(cell), 0, last)
    lower = np.maximum(corners.min(axis=0), np.where(near == 0, -np.inf, near - 0.5))
    upper = np.minimum(corners.max(axis=0), np.where(near == last, np.inf, near + 0.5))
    inside = (cell >= corners.min(axis=0)) & (cell <= corners.max(axis=0))
    found = geometry.apply_affine(heatmap.affine, np.where(inside | (lower > upper), cell, (lower + upper) / 2))
    return float(found[0]), float(found[1]), float(found[2])


def place_words(volume: Volume, point_mm: tuple[float, float, float]) -> str:
    """Say a place by the patient's sides, or by its voxel where sides or spacing are not known.

    Args:
        volume: the scan.
        point_mm: (3,), RAS+ mm (detector mm for pictures).

    Returns:
        Such as "L 12.0 P 3.5 S 40.2 mm" or "voxel 128, 60, 0".

    Example:
        >>> place_words(Volume(np.zeros((4, 4, 4)), np.eye(4), "CT"), (-1.0, 2.0, 3.0))
        'L 1.0 A 2.0 S 3.0 mm'
    """
    if not (sides_known(volume) and volume.spacing_known):
        index = geometry.apply_affine(np.linalg.inv(volume.affine), point_mm)
        return "voxel " + ", ".join(f"{n:.0f}" for n in index)
    named = zip(point_mm, geometry.AXIS_LETTERS, strict=True)
    return " ".join(f"{letters[x >= 0]} {abs(x):.1f}" for x, letters in named) + " mm"
