"""The eight ways to lay a square picture: as it is, mirrored, flipped, turned; for volumes also with slices reversed.

Knows arrays alone.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

# (axes swapped, rows reversed, columns reversed) in this order
LAYS = tuple((swap, rows, columns) for swap in (False, True) for rows in (False, True) for columns in (False, True))
WORDS = (
    "as it is",
    "mirrored",
    "flipped",
    "turned by 180°",
    "mirrored and turned by 90°",
    "turned by 90°",
    "turned by 270°",
    "flipped and turned by 90°",
)


def lay(planes: NDArray[Any], number: int) -> NDArray[Any]:
    """Lay planes in one of 8 ways; 8 to 15 are the same with the planes in reverse order.

    Args:
        planes: (..., P, n, n).
        number: 0 to 15.

    Returns:
        (..., P, n, n), a view.

    Example:
        >>> import numpy as np
        >>> lay(np.array([[[1, 2], [3, 4]]]), 1).tolist()
        [[[2, 1], [4, 3]]]
    """
    swap, rows, columns = LAYS[number % 8]
    turned = planes.swapaxes(-1, -2) if swap else planes
    turned = turned[..., :: -1 if rows else 1, :: -1 if columns else 1]
    return turned[..., ::-1, :, :] if number >= 8 else turned


def describe_lay(number: int) -> str:
    """Say a lay in words.

    Args:
        number: 0 to 15.

    Example:
        >>> describe_lay(9)
        'mirrored, slices reversed'
    """
    return WORDS[number % 8] + (", slices reversed" if number >= 8 else "")


def lay_offset(offset: tuple[float, float], number: int) -> tuple[float, float]:
    """Carry a shift of the picture's middle, given before laying, to the picture as laid.

    Args:
        offset: (down, right).
        number: 0 to 15.

    Returns:
        (down, right).

    Example:
        >>> lay_offset((1.0, 2.0), 1)
        (1.0, -2.0)
    """
    swap, rows, columns = LAYS[number % 8]
    down, right = offset[::-1] if swap else offset
    return (-down if rows else down), (-right if columns else right)
