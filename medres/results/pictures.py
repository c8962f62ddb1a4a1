"""Slices -> finished pictures: sides, scale bar, window, legend, and the disclaimer burned in.

Every picture that leaves medres is made here, so that none leaves without its words. Knows no file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results import overlay
from medres.results.disclaimer import DISCLAIMER, NO_REGION, Stamp
from medres.results.figures import pixel_centres_mm, render_slice
from medres.results.outlines import Outline, draw_outlines
from medres.results.planes import Plane, PlaneGrid, Slab, plane_grid, planes_of
from medres.results.windows import DisplayWindow, first_window
from medres.volume import Volume

Picture = NDArray[np.uint8]

LONG_SIDE = 520  # pixels of a picture's longer side
TEXT, MARGIN = 13, 6  # pixels
WHITE, GREY, YELLOW = (255, 255, 255), (190, 190, 190), (255, 221, 87)
FIELD = "Dotted: the field that the network was shown."
DOT = 3  # pixels
BARS_MM = (100, 50, 20, 10, 5, 2, 1)


@dataclass(frozen=True, eq=False)
class Shot:
    """Which slice of which Volume is drawn, and how.

    Attributes:
        volume: the scan.
        plane: one of `planes_of(volume)`.
        index: along the Volume's own slice axis.
        window: None takes the file's own, else robust percentiles.
        outlines: measurements drawn over it.
        slab: shows the slices about this one as one; None shows it alone.
    """

    volume: Volume
    plane: Plane
    index: int
    window: DisplayWindow | None = None
    outlines: tuple[Outline, ...] = ()
    slab: Slab | None = None

    @property
    def grid(self) -> PlaneGrid:
        """How the plane lies on the page."""
        return plane_grid(self.volume, self.plane)

    @property
    def title(self) -> str:
        """Such as "axial, slice 4 of 18" (counted from 1 in the scan's own order)."""
        if self.plane == "picture":
            return "picture"
        return f"{self.plane}, slice {self.index + 1} of {self.grid.depth}"


def key_shots(volume: Volume, place_mm: ArrayLike | None = None, window: DisplayWindow | None = None) -> list[Shot]:
    """Choose one slice of each plane, all through one place.

    Args:
        volume: the scan.
        place_mm: (3,), RAS+ mm, such as a heatmap's hottest point; None takes the middle of the scan.
        window: for all of them.

    Returns:
        Slices, the plane the scan was made in first.
    """
    place = geometry.centre_mm(volume.affine, volume.shape) if place_mm is None else np.asarray(place_mm, float)
    voxel = geometry.apply_affine(np.linalg.inv(volume.affine), place)
    nearest = np.clip(np.rint(voxel), 0, np.array(volume.shape) - 1).astype(int)
    return [Shot(volume, p, int(nearest[plane_grid(volume, p).order[2]]), window) for p in planes_of(volume)]


def draw_picture(
    shot: Shot,
    stamp: Stamp,
    *,
    heatmap: Heatmap | None = None,
    style: overlay.Style = "contour",
    long_side: int = LONG_SIDE,
) -> Picture:
    """Draw one slice as it may be exported: with sides, scale bar, window, legend and disclaimer.

    Args:
        shot: the slice.
        stamp: model, version and day, burned in.
        heatmap: None draws none.
        style: "contour" or "fill".
        long_side: of the slice's drawing, pixels.

    Returns:
        (rows, columns, 3) uint8.
    """
    width_mm, height_mm = (n * s for n, s in zip((shot.grid.width, shot.grid.height), shot.grid.pixel_mm, strict=True))
    pixel_mm = max(width_mm, height_mm) / long_side
    slice_picture = render_slice(
        shot.volume, shot.plane, shot.slab or shot.index, shot.window, heatmap=heatmap, style=style, pixel_mm=pixel_mm
    )
    lines = [(_facts(shot), WHITE)]
    if heatmap is not None:
        bounded = _draw_field(slice_picture, shot, heatmap, pixel_mm)
        lines.append((legend(heatmap) + (f" {FIELD}" if bounded else ""), YELLOW))
    page = Image.fromarray(slice_picture)
    draw_outlines(page, shot.outlines, shot.volume, shot.grid, shot.index, pixel_mm, _font(TEXT))
    _write_sides(page, shot.grid.letters)
    if _may_measure(shot.volume):
        _draw_bar(page, pixel_mm)
    return np.asarray(_with_words_below(page, [*lines, (stamp.line, GREY), (DISCLAIMER, WHITE)]))


def legend(heatmap: Heatmap) -> str:
    """Say what a heatmap's drawing means: quantity, layer, native grid, threshold and scale.

    Args:
        heatmap: as drawn.

    Returns:
        One or two sentences.
    """
    cells = " × ".join(str(n) for n in heatmap.relevance.shape)
    unit = "mm" if heatmap.spacing_known else "pixels"
    size = " × ".join(f"{s:.0f}" for s in heatmap.cell_mm[: 2 if heatmap.relevance.shape[2] == 1 else 3])
    text = (
        f"{heatmap.method} for {heatmap.label!r}, {heatmap.layer}: {cells} cells of {size} {unit}; "
        f"shown from {heatmap.threshold:.3g}, scale {heatmap.scale:.3g} ({heatmap.scale_source})"
    )
    return text if heatmap.regions() else f"{text}. {NO_REGION}"


def montage(rows: Sequence[Sequence[Picture]]) -> Picture:
    """Lay finished pictures out on one sheet.

    Args:
        rows: of pictures, each (rows, columns, 3).

    Returns:
        (rows, columns, 3) uint8, black between them.
    """
    width = max(sum(p.shape[1] for p in row) + MARGIN * (len(row) - 1) for row in rows)
    height = sum(max(p.shape[0] for p in row) for row in rows) + MARGIN * (len(rows) - 1)
    sheet = np.zeros((height, width, 3), np.uint8)
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1] + MARGIN
        top += max(p.shape[0] for p in row) + MARGIN
    return sheet


def encode_png(picture: Picture) -> bytes:
    """Write a picture as PNG, without any text chunk.

    Args:
        picture: (rows, columns, 3).

    Returns:
        The file's bytes.
    """
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()


def _may_measure(volume: Volume) -> bool:
    return volume.spacing_known and "W_DETECTOR_SPACING" not in volume.codes


def _facts(shot: Shot) -> str:
    window = shot.window or first_window(shot.volume)
    levels = "" if shot.volume.is_colour else f" · window {window.width:.5g} level {window.center:.5g}"
    unit = " HU" if shot.volume.unit == "HU" and levels else ""
    thick = f" · {shot.slab.words}" if shot.slab is not None else ""
    return f"{shot.title}{thick}{levels}{unit}"


def _draw_field(picture: Picture, shot: Shot, heatmap: Heatmap, pixel_mm: float) -> bool:
    """Dot the border of what the network was shown into a picture; tell whether any of it is there."""
    shown = heatmap.was_shown(pixel_centres_mm(shot.grid, shot.index, pixel_mm))
    border = shown & ~ndimage.binary_erosion(shown, border_value=1)
    rows, columns = np.nonzero(border)
    dots = (rows + columns) // DOT % 2 == 0
    picture[rows[dots], columns[dots]] = GREY
    return bool(border.any())


def _write_sides(page: Image.Image, letters: tuple[str, str, str, str]) -> None:
    """Write the letters of the left, right, top and bottom edge."""
    draw = ImageDraw.Draw(page)
    width, height = page.size
    places = (
        ((MARGIN, height / 2), "lm"),
        ((width - MARGIN, height / 2), "rm"),
        ((width / 2, MARGIN), "ma"),
        ((width / 2, height - MARGIN), "md"),
    )
    for text, (place, anchor) in zip(letters, places, strict=True):
        draw.text(place, text, font=_font(TEXT + 2), fill=WHITE, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0))


def _draw_bar(page: Image.Image, pixel_mm: float) -> None:
    """Draw a scale bar in the lower left, at most a third of the picture's width."""
    width, height = page.size
    length = next((mm for mm in BARS_MM if mm / pixel_mm <= width / 3), None)
    if length is None or height < 3 * TEXT:
        return
    draw = ImageDraw.Draw(page)
    left, bottom, right = 2 * MARGIN, height - 2 * MARGIN, 2 * MARGIN + round(length / pixel_mm)
    for colour, thickness in (((0, 0, 0), 5), (WHITE, 2)):
        draw.line([(left, bottom), (right, bottom)], fill=colour, width=thickness)
    text = f"{length // 10} cm" if length >= 10 else f"{length} mm"
    draw.text(
        (left, bottom - 4), text, font=_font(TEXT), fill=WHITE, anchor="ld", stroke_width=2, stroke_fill=(0, 0, 0)
    )


def _with_words_below(page: Image.Image, lines: Sequence[tuple[str, tuple[int, int, int]]]) -> Image.Image:
    """Set lines of text under a picture, broken to its width."""
    broken = [(part, colour) for text, colour in lines if text for part in _broken(text, page.width - 2 * MARGIN)]
    height = page.height + 2 * MARGIN + len(broken) * (TEXT + 4)
    result = Image.new("RGB", (page.width, height))
    result.paste(page, (0, 0))
    draw = ImageDraw.Draw(result)
    for n, (text, colour) in enumerate(broken):
        draw.text((MARGIN, page.height + MARGIN + n * (TEXT + 4)), text, font=_font(TEXT), fill=colour)
    return result


def _broken(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _font(TEXT).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
