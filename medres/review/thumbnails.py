"""A series -> a small PNG of its middle slice, from as few of its files as will do.

Knows pictures; knows no screen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from medres.io import find_series, read_series
from medres.io.series import Series
from medres.results.figures import render_slice
from medres.results.pictures import encode_png
from medres.results.planes import plane_grid, planes_of
from medres.volume import Volume

SIDE = 96  # pixels of the longer side


def thumbnail_of_series(series: Series) -> bytes:
    """Draw a series small.

    Args:
        series: one that is not refused; of many DICOM files only the middle one is read.

    Returns:
        PNG.

    Raises:
        IntakeError: when it cannot be read.
    """
    modality = series.modality or None
    alone = _alone(series.paths[len(series.paths) // 2], modality) if len(series.paths) > 1 else None
    return thumbnail_of_volume(read_series(alone or series, modality=modality))


def _alone(path: Path, modality: str | None) -> Series | None:
    """Take one file of a stack as a series of its own, where intake can."""
    found = [one for one in find_series(path, headers_only=True, modality=modality).series if one.verdict != "refused"]
    return found[0] if len(found) == 1 else None


def thumbnail_of_volume(volume: Volume) -> bytes:
    """Draw the middle slice of a Volume's own plane small.

    Args:
        volume: grey or colour.

    Returns:
        PNG, its longer side `SIDE` pixels, in true proportions.
    """
    plane = planes_of(volume)[0]
    grid = plane_grid(volume, plane)
    picture = Image.fromarray(render_slice(volume, plane, grid.depth // 2))
    extent = np.array([grid.width, grid.height]) * grid.pixel_mm
    width, height = (max(1, round(SIDE * mm / extent.max())) for mm in extent)
    return encode_png(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)))
