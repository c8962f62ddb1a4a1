"""Stacks of planes, roughly alike -> the small affine move that lays one over the other, and how alike they then are.

Knows arrays alone. All is done for many pairs at once. Positions are (down, right) in [-1, 1] from edge to edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float32]
ITERATIONS = 10
WINDOW = 1.5  # sigma in pixels of the neighbourhood within which likeness is judged
DETAIL = 0.3  # local standard deviation (of a plane with standard deviation 1) that counts in full
RIDGE = 1e-3  # keeps the normal equations solvable on flat planes
WORST_LEFT_OUT = 0.1  # share of the area that may differ (a burned-in mark, a corner filled in)


def normalise(planes: Floats, weight: Floats) -> Floats:
    """Bring planes to mean 0 and standard deviation 1 where the weight is.

    Args:
        planes: (B, n, n).
        weight: (B, n, n), 0 or 1.

    Returns:
        (B, n, n).
    """
    share = weight / (weight.sum((1, 2), keepdims=True) + 1e-6)
    centred = planes - (planes * share).sum((1, 2), keepdims=True)
    return np.asarray(centred / (np.sqrt((centred * centred * share).sum((1, 2), keepdims=True)) + 1e-3))


def sample(planes: Floats, moves: Floats) -> tuple[Floats, Floats]:
    """Look planes up at moved positions, bilinear.

    Args:
        planes: (B, n, n).
        moves: (B, 2, 3): position in the result to position in the plane.

    Returns:
        (values, inside): both (B, n, n); inside is 1 where the position lay in the plane.
    """
    count, side, _ = planes.shape
    places = moves @ _grid(side)  # (B, 2, n * n)
    pixel = (places + 1) * np.float32(side / 2) - np.float32(0.5)
    inside = ((pixel >= -0.25) & (pixel <= side - 0.75)).all(axis=1)
    np.clip(pixel, 0, side - 1.001, out=pixel)
    whole = pixel.astype(np.int32)
    down, right = (pixel - whole).transpose(1, 0, 2)
    first = np.arange(count, dtype=np.int32)[:, None] * (side * side) + whole[:, 0] * side + whole[:, 1]
    flat = np.ascontiguousarray(planes, np.float32).reshape(-1)
    above = flat[first] * (1 - right) + flat[first + 1] * right
    below = flat[first + side] * (1 - right) + flat[first + side + 1] * right
    values = above + (below - above) * down
    return values.reshape(planes.shape), inside.reshape(planes.shape).astype(np.float32)


def _grid(side: int) -> Floats:
    """Give the middles of all pixels as (down, right, 1), (3, n * n)."""
    line = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side / 2) - 1
    down, right = np.meshgrid(line, line, indexing="ij")
    return np.stack([down.ravel(), right.ravel(), np.ones(side * side, np.float32)])


def align(fixed: Floats, moving: Floats, start: Floats, iterations: int = ITERATIONS) -> Floats:
    """Find the affine moves that lay moving planes over fixed ones, blind to brightness and contrast.

    Args:
        fixed: (B, n, n).
        moving: (B, n, n).
        start: (B, 2, 3), first guess.
        iterations: Gauss-Newton steps.

    Returns:
        (B, 2, 3): position in the fixed plane to position in the moving one.

    Source:
        Baker and Matthews 2004, Lucas-Kanade 20 years on (inverse compositional).
    """
    steepest = _steepest(normalise(fixed, np.ones_like(fixed)))  # (B, 6, N)
    moves = start.astype(np.float32)
    for _ in range(iterations):
        warped, inside = sample(moving, moves)
        error = (normalise(warped, inside) - normalise(fixed, inside)) * inside
        moves = _step(moves, steepest, error, inside)
    return moves


def _steepest(fixed: Floats) -> Floats:
    side = fixed.shape[1]
    down, right = (gradient * np.float32(side / 2) for gradient in np.gradient(fixed, axis=(1, 2)))
    grid = _grid(side)  # (3, N)
    flat_down, flat_right = down.reshape(len(fixed), 1, -1), right.reshape(len(fixed), 1, -1)
    return np.concatenate([flat_down * grid, flat_right * grid], axis=1)  # (B, 6, N)


def _step(moves: Floats, steepest: Floats, error: Floats, inside: Floats) -> Floats:
    count = len(moves)
    masked = steepest * inside.reshape(count, 1, -1)
    hessian = masked @ steepest.transpose(0, 2, 1)  # (B, 6, 6)
    ridge = (np.trace(hessian, axis1=1, axis2=2) / 6 * RIDGE + RIDGE)[:, None, None] * np.eye(6)
    right = steepest @ error.reshape(count, -1, 1)
    change = np.linalg.solve(hessian + ridge, right).reshape(count, 2, 3)
    small, whole = np.tile(np.eye(3), (2, count, 1, 1))
    small[:, :2] += np.clip(change, -0.2, 0.2)
    whole[:, :2] = moves
    return np.asarray((whole @ np.linalg.inv(small))[:, :2], np.float32)


def correlation(first: Floats, second: Floats, inside: Floats) -> NDArray[np.float64]:
    """Correlate planes as a whole.

    Args:
        first: (B, n, n).
        second: (B, n, n).
        inside: (B, n, n), 1 where both are known.

    Returns:
        (B,) in [-1, 1]; 0 where one is flat.
    """
    product = normalise(first, inside) * normalise(second, inside) * inside
    return np.asarray(product.sum((1, 2)) / (inside.sum((1, 2)) + 1e-6))


def likeness(first: Floats, second: Floats, inside: Floats, window: float = WINDOW) -> NDArray[np.float64]:
    """Judge how alike aligned planes are: correlation within small neighbourhoods, averaged where there is detail.

    Outlines that many scans share (a skull, a chest wall) weigh little; the pattern within weighs most. The worst tenth
    of the area is left out.

    Args:
        first: (B, n, n).
        second: (B, n, n).
        inside: (B, n, n), 1 where both are known.
        window: sigma of the neighbourhood, pixels.

    Returns:
        (B,) in [-1, 1], higher is more alike; 0 where there is no detail.
    """
    a, b = normalise(first, inside) * inside, normalise(second, inside) * inside

    def blur(planes: Floats) -> Floats:
        """Blur within the planes, not across them."""
        return np.asarray(gaussian_filter(planes, (0, window, window), truncate=2.5))

    known = blur(inside) + 1e-3
    mean_a, mean_b = blur(a) / known, blur(b) / known
    product = blur(a * b) / known - mean_a * mean_b
    spread_a = np.maximum(blur(a * a) / known - mean_a * mean_a, 0)
    spread_b = np.maximum(blur(b * b) / known - mean_b * mean_b, 0)
    both = np.sqrt(spread_a * spread_b)
    weight = np.clip(np.sqrt(both) / DETAIL, 0, 1) * inside
    local = product / (both + 1e-4)
    return _trimmed_mean(local[:, ::2, ::2], weight[:, ::2, ::2])  # neighbours say the same: every other one is enough


def _trimmed_mean(values: Floats, weight: Floats) -> NDArray[np.float64]:
    flat, heavy = values.reshape(len(values), -1), weight.reshape(len(values), -1)
    order = np.argsort(flat, axis=1)
    flat, heavy = np.take_along_axis(flat, order, 1), np.take_along_axis(heavy, order, 1).astype(float)
    total = heavy.sum(axis=1, keepdims=True)
    kept = np.where(np.cumsum(heavy, axis=1) > WORST_LEFT_OUT * total, heavy, 0)
    return np.asarray((flat * kept).sum(axis=1) / (kept.sum(axis=1) + 1e-3))
