"""What a reader measured on a slice -> lines and words on its picture. Knows voxels; knows no reader and no store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from medres import geometry
from medres.errors import StoreError
from medres.results.planes import PlaneGrid, pixel_to_mm
from medres.volume import Volume

Kind = Literal["length", "angle", "ellipse"]
POINTS = {"length": 2, "angle": 3, "ellipse": 2}
FARTHEST, LONGEST_TEXT = 1e5, 200  # voxels, characters
GREEN, BLACK = (125, 255, 138), (0, 0, 0)
ASIDE = 8  # pixels from the drawing to its words


@dataclass(frozen=True)
class Outline:
    """One measurement as it was drawn.

    Attributes:
        kind: "length", "angle" or "ellipse".
        points: voxels (i, j, k), fractions allowed: 2 ends, 3 for an angle with its apex second, or 2 corners of the
            box about an ellipse whose axes lie along columns and rows.
        text: what was measured, such as "12.4 mm".
    """

    kind: Kind
    points: tuple[tuple[float, float, float], ...]
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise StoreError("E_USAGE", f"a measurement must be one of {get_args(Kind)}, got {self.kind!r}")
        sound = all(len(p) == 3 and all(math.isfinite(x) and abs(x) <= FARTHEST for x in p) for p in self.points)
        if len(self.points) != POINTS[self.kind] or not sound:
            raise StoreError("E_USAGE", f"{self.kind} must have {POINTS[self.kind]} points of 3 voxels each")
        if len(self.text) > LONGEST_TEXT:
            raise StoreError("E_USAGE", f"its words must have at most {LONGEST_TEXT} characters, got {len(self.text)}")


def draw_outlines(
    page: Image.Image,
    outlines: Sequence[Outline],
    volume: Volume,
    grid: PlaneGrid,
    index: int,
    pixel_mm: float,
    font: ImageFont.FreeTypeFont,
) -> None:
    """Draw measurements into the picture of their slice, in place.

    Args:
        page: RGB picture of the slice.
        outlines: made on this slice.
        volume: the scan.
        grid: the plane.
        index: of the slice.
        pixel_mm: side of a pixel, mm.
        font: of the words.
    """
    to_mm, _, _ = pixel_to_mm(grid, index, pixel_mm)
    to_pixel = np.linalg.inv(to_mm) @ volume.affine
    draw = ImageDraw.Draw(page)
    for outline in outlines:
        places = geometry.apply_affine(to_pixel, np.array(outline.points))[:, :2]
        for colour, width in ((BLACK, 4), (GREEN, 2)):
            _draw_lines(draw, outline.kind, places, colour, width)
        _write(draw, outline.text, places, page.size, font)


def _draw_lines(
    draw: ImageDraw.ImageDraw, kind: Kind, places: NDArray[np.float64], colour: tuple[int, int, int], width: int
) -> None:
    if kind == "ellipse":
        lower, upper = places.min(axis=0), places.max(axis=0)
        draw.ellipse([*lower, *upper], outline=colour, width=width)
    else:
        draw.line([tuple(place) for place in places], fill=colour, width=width)


def _write(
    draw: ImageDraw.ImageDraw,
    text: str,
    places: NDArray[np.float64],
    size: tuple[int, int],
    font: ImageFont.FreeTypeFont,
) -> None:
    """Write beside the whole drawing, on the side that has room, so that nothing that was measured is covered."""
    if not text:
        return
    lower, upper = places.min(axis=0), places.max(axis=0)
    wide = draw.textlength(text, font=font) + 2 * ASIDE
    right = upper[0] + wide < size[0] or lower[0] < wide
    x = min(upper[0] + ASIDE, size[0] - wide + ASIDE) if right else lower[0] - ASIDE
    y = float(np.clip((lower[1] + upper[1]) / 2, 2 * ASIDE, size[1] - 2 * ASIDE))
    draw.text((x, y), text, font=font, fill=GREEN, anchor="lm" if right else "rm", stroke_width=2, stroke_fill=BLACK)
