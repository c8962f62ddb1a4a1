"""Rows of prepared scans -> one PNG sheet: what a network is shown, beside what it would have been shown.

Knows no augmentation and no file. Each row has one grey scale, that of its first picture, so that changes of brightness
are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medres.results.disclaimer import Stamp
from medres.results.plots import finish

TOWARDS_VIEWERS_LEFT_OR_TOP = "RA"  # axes that grow to the right or the front run backwards on the screen


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One row of a sheet.

    Attributes:
        title: to the left of the row.
        scans: arrays (C, *spatial); the first gives the row its grey scale.
        captions: above each picture; empty where there are none.
    """

    title: str
    scans: Sequence[NDArray]
    captions: Sequence[str] = ()


def middle_picture(scan: NDArray, orientation: str = "") -> NDArray:
    """Take what can be shown of a prepared scan: its picture, or the middle slice along k.

    Args:
        scan: (C, rows, columns), or (C, i, j, k).
        orientation: of (i, j, k), such as "RAS": the patient's right is then on the viewer's left, the front on top.

    Returns:
        (rows, columns) float32, or (rows, columns, 3) for three channels in 2D.

    Example:
        >>> middle_picture(np.arange(6.0).reshape(1, 3, 2, 1), "RAS").tolist()
        [[5.0, 3.0, 1.0], [4.0, 2.0, 0.0]]
    """
    if scan.ndim == 3:
        return np.moveaxis(scan, 0, -1) if len(scan) == 3 else scan[0]
    plane = scan[0, :, :, scan.shape[3] // 2]  # (i, j)
    for axis, letter in enumerate(orientation[:2]):
        plane = np.flip(plane, axis) if letter in TOWARDS_VIEWERS_LEFT_OR_TOP else plane
    return plane.T


def contact_sheet(rows: Sequence[SheetRow], stamp: Stamp, *, title: str, orientation: str = "") -> bytes:
    """Draw rows of pictures.

    Args:
        rows: from top to bottom.
        stamp: model, version and day.
        title: above all.
        orientation: of volumes, for `middle_picture`.

    Returns:
        A PNG file's bytes.
    """
    columns = max(len(row.scans) for row in rows)
    figure = Figure(figsize=(1.5 * columns + 1.2, 1.62 * len(rows) + 0.9), layout="constrained")
    figure.suptitle(title, fontsize=9)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for row, line in zip(rows, grid, strict=True):
        pictures = [middle_picture(np.asarray(scan, np.float32), orientation) for scan in row.scans]
        low, high = float(pictures[0].min()), float(pictures[0].max())
        span = max(high - low, 1e-6)
        for place, axes in enumerate(line):
            axes.set(xticks=[], yticks=[])
            axes.set_frame_on(False)
            if place < len(pictures):
                axes.imshow(np.clip((pictures[place] - low) / span, 0, 1), cmap="gray", vmin=0, vmax=1)
            if place < len(row.captions):
                axes.set_title(row.captions[place], fontsize=7, pad=2)
        line[0].set_ylabel(row.title, fontsize=7, rotation=0, ha="right", va="center")
    return finish(figure, stamp)
