"""Values + window -> grey levels, by DICOM's formula.

Knows no plane and no picture file. The viewer's canvas computes the same levels (see `figures.render_slice`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medres.volume import Volume

GREYEST = 255  # highest level of an 8-bit picture
ROBUST_PERCENTILES = (1.0, 99.0)  # where a file names no window
ENOUGH_VOXELS = 4_000_000  # to tell percentiles of a display window


@dataclass(frozen=True)
class DisplayWindow:
    """A grey window.

    Attributes:
        center, width: in the Volume's unit; width at least 1 for "linear", above 0 for "linear_exact".
        function: DICOM's VOI LUT function: "linear" (c - 0.5, w - 1) or "linear_exact" (c, w).
    """

    center: float
    width: float
    function: Literal["linear", "linear_exact"] = "linear"

    @property
    def bounds(self) -> tuple[float, float]:
        """Values shown black and white: (lower, upper), in the Volume's unit."""
        if self.function == "linear_exact":
            return self.center - self.width / 2, self.center + self.width / 2
        half = (max(self.width, 1.0) - 1.0) / 2
        return self.center - 0.5 - half, self.center - 0.5 + half


# Width and level as readers know them (design: 80/40 is width 80, level 40), in HU.
CT_PRESETS: dict[str, DisplayWindow] = {
    "brain": DisplayWindow(40, 80),
    "subdural": DisplayWindow(75, 200),
    "stroke": DisplayWindow(40, 40),
    "lung": DisplayWindow(-600, 1500),
    "mediastinum": DisplayWindow(50, 350),
    "abdomen": DisplayWindow(50, 400),
    "liver": DisplayWindow(30, 150),
    "bone": DisplayWindow(400, 1800),
}


def apply_window(values: ArrayLike, window: DisplayWindow) -> NDArray[np.uint8]:
    """Turn values into grey levels.

    Args:
        values: any shape, in the window's unit; NaN counts as black.
        window: center and width.

    Returns:
        uint8 of the same shape, rounded half to even (as a canvas does).

    Source:
        PS3.3 C.11.2.1.2.1 (LINEAR) and C.11.2.1.3.2 (LINEAR_EXACT).

    Example:
        >>> apply_window([-161, -160, 39.5, 239, 240], DisplayWindow(40, 400))
        array([  0,   0, 128, 255, 255], dtype=uint8)
    """
    lower, upper = window.bounds
    numbers = np.nan_to_num(np.asarray(values, np.float64), nan=lower)
    if upper <= lower:  # width 1: a step
        return np.where(numbers > lower, GREYEST, 0).astype(np.uint8)
    return np.rint(np.clip((numbers - lower) / (upper - lower), 0.0, 1.0) * GREYEST).astype(np.uint8)


def first_window(volume: Volume) -> DisplayWindow:
    """Choose the window a scan is first shown with: the file's own, else robust percentiles.

    Args:
        volume: grey or colour; padding is left out of the percentiles, which some millions of voxels decide.

    Returns:
        The window, in the Volume's unit.

    Example:
        >>> flat = Volume(np.zeros((2, 2, 2)), np.eye(4), "MR")
        >>> first_window(flat).width
        1.0
    """
    display = volume.display
    if display.window_center is not None and display.window_width is not None and display.window_width > 0:
        return DisplayWindow(display.window_center, display.window_width)
    finite = _some_values(volume)
    lower, upper = np.percentile(finite, ROBUST_PERCENTILES) if finite.size else (0.0, 1.0)
    width = float(upper - lower) or 1.0
    return DisplayWindow(float(upper + lower) / 2, width, "linear_exact")


def _some_values(volume: Volume) -> NDArray:
    """Give the finite values outside the padding; of a large scan, those of every n-th voxel along each axis."""
    step = max(1, math.ceil((math.prod(volume.shape) / ENOUGH_VOXELS) ** (1 / 3)))
    every = (slice(None, None, step),) * 3 if volume.shape[2] > 1 else (slice(None),) * 3
    values: NDArray = volume.voxels[every]
    values = values if volume.padding is None else values[~volume.padding[every]]
    finite: NDArray = values[np.isfinite(values)]
    return finite


def preset_name(window: DisplayWindow) -> str:
    """Name the CT preset that a window equals.

    Args:
        window: in HU.

    Returns:
        Such as "lung", or "custom".

    Example:
        >>> preset_name(DisplayWindow(-600, 1500))
        'lung'
    """
    return next((name for name, preset in CT_PRESETS.items() if preset == window), "custom")
