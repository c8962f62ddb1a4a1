"""Heat values + grey picture -> overlay: a contour at the threshold, or a fill whose opacity rises with the value.

Knows no network and no geometry. Never a per-picture scale: the same value has the same colour in every study.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Style = Literal["contour", "fill"]

# Lightness rises along these anchors (from matplotlib's inferno); never jet, whose lightness goes up and down.
ANCHORS = np.array([(87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], float)
CONTOUR_COLOUR = (0, 229, 255)  # no grey and no colour of the map
LEAST_OPACITY, MOST_OPACITY = 0.20, 0.65  # at the threshold, at the scale


def colour_table() -> NDArray[np.uint8]:
    """Give the colour of each of 256 steps from 0 to the scale.

    Returns:
        (256, 3) uint8, lightness rising.

    Example:
        >>> colour_table()[255].tolist()
        [252, 255, 164]
    """
    steps = np.linspace(0, len(ANCHORS) - 1, 256)
    channels = [np.interp(steps, np.arange(len(ANCHORS)), ANCHORS[:, c]) for c in range(3)]
    return np.asarray(np.rint(np.stack(channels, axis=1)), np.uint8)


def opacity(values: ArrayLike, threshold: float, scale: float) -> NDArray[np.float64]:
    """Give the opacity of heat values: zero below the threshold, then rising to the scale.

    Args:
        values: any shape, in the heatmap's unit, >= 0.
        threshold: in the same unit.
        scale: value of full colour, in the same unit.

    Returns:
        Same shape, in [0, 0.65].

    Example:
        >>> opacity([0.0, 0.4, 0.5, 1.0, 9.0], threshold=0.5, scale=1.0)
        array([0.  , 0.  , 0.2 , 0.65, 0.65])
    """
    heat = np.asarray(values, np.float64)
    span = max(scale - threshold, 1e-12)
    rise = np.clip((heat - threshold) / span, 0.0, 1.0)
    return np.where(shown(heat, threshold), LEAST_OPACITY + (MOST_OPACITY - LEAST_OPACITY) * rise, 0.0)


def shown(values: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Tell where heat is at or above the threshold (and above zero, whatever the threshold).

    Args:
        values: any shape.
        threshold: in the same unit.

    Returns:
        bool, same shape.
    """
    heat = np.asarray(values)
    return (heat >= threshold) & (heat > 0)


def contour(values: ArrayLike, threshold: float, thickness: int = 1) -> NDArray[np.bool_]:
    """Outline the regions at or above the threshold, inside their border.

    Args:
        values: (rows, columns).
        threshold: in the same unit.
        thickness: pixels.

    Returns:
        (rows, columns) bool: shown pixels with a neighbour (up, down, left, right) that is not; what lies
        beyond the picture is not, so that a region at its edge is closed along it and its inside can be told.
    """
    inside = shown(values, threshold)
    return np.asarray(inside & ~ndimage.binary_erosion(inside, iterations=thickness, border_value=0))


def blend(
    picture: NDArray[np.uint8],
    values: NDArray[np.floating],
    *,
    threshold: float,
    scale: float,
    style: Style = "contour",
    thickness: int = 1,
) -> NDArray[np.uint8]:
    """Draw heat over a picture.

    Args:
        picture: (rows, columns, 3).
        values: (rows, columns), heat at the pixels' centres.
        threshold: in the heatmap's unit.
        scale: value of full colour, in the same unit.
        style: "contour" or "fill".
        thickness: of the contour, pixels.

    Returns:
        (rows, columns, 3) uint8.
    """
    if style == "contour":
        drawn = picture.copy()
        drawn[contour(values, threshold, thickness)] = CONTOUR_COLOUR
        return drawn
    steps = np.rint(np.clip(values / max(scale, 1e-12), 0.0, 1.0) * 255).astype(int)
    share = opacity(values, threshold, scale)[..., None]
    return np.asarray(np.rint(picture * (1.0 - share) + colour_table()[steps] * share), np.uint8)
