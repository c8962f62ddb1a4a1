"""A seed -> a CT-like phantom with vessels everywhere and, or not, one faint ball of 6 mm among them.

The ball is as bright as the vessels (contrast-to-noise at most 2 against the tissue about it), so that neither the
brightest voxel nor a blob filter alone tells it: vessels branch, bend and end. Knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

AIR_HU, FAT_HU, TISSUE_HU = -1000.0, -90.0, 40.0
NOISE_HU = 20.0  # standard deviation of a voxel, after the noise's own blur
NOISE_BLUR = 0.5  # voxels; CT noise of neighbours is alike
POINT_SPREAD = 0.5  # voxels
SPACING_MM = (0.7, 0.7, 1.0)
LESION_RADIUS_MM = 3.0
CONTRAST = (1.7, 2.0)  # of the lesion over the noise, lowest and highest
VESSEL_CONTRAST = (1.7, 2.4)
VESSEL_RADIUS_MM = (0.8, 2.2)
VESSELS_A_LITRE = 120.0
STEP_MM = 0.7  # along a vessel
FREE_MM = 1.0  # between the ball and the nearest vessel, at least
NEAR_MM = 12.0  # and at most


@dataclass(frozen=True, eq=False)
class PatchPhantom:
    """One phantom.

    Attributes:
        voxels: (i, j, k) int16, HU.
        affine: (4, 4), index to RAS+ mm.
        lesion_mm: (3,), RAS+ mm; None without.
        contrast: of the lesion over the noise.
    """

    voxels: NDArray[np.int16]
    affine: NDArray[np.float64]
    lesion_mm: tuple[float, float, float] | None
    contrast: float


def build(seed: int, shape: tuple[int, int, int], *, lesion: bool) -> PatchPhantom:
    """Make one phantom.

    Args:
        seed: the patient.
        shape: (3,), voxels of 0.7 x 0.7 x 1 mm.
        lesion: whether to plant one.
    """
    rng = np.random.default_rng([seed, 11])
    spacing = np.array(SPACING_MM)
    extent = spacing * shape
    body, inner = _body(shape, extent, rng)
    hu = np.where(inner, np.float32(TISSUE_HU), np.where(body, np.float32(FAT_HU), np.float32(AIR_HU)))
    hu += inner * _patches(shape, rng)
    vessels = np.zeros(shape, bool)
    litres = float(inner.sum() * spacing.prod()) / 1e6
    for _ in range(max(4, round(VESSELS_A_LITRE * litres))):
        _grow(vessels, extent, rng)
    bright = float(rng.uniform(*VESSEL_CONTRAST)) * NOISE_HU
    hu[vessels & inner] += np.float32(bright)
    contrast = float(rng.uniform(*CONTRAST))
    centre = _place(inner, vessels, rng) if lesion else None
    if centre is not None:
        _plant(hu, centre, contrast * NOISE_HU)
    hu = ndimage.gaussian_filter(hu, POINT_SPREAD)
    hu += _noise(shape, rng)
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = rng.uniform(-40, 40, 3) + extent / 2 * np.array([1, 1, -1])
    found = None
    if centre is not None:
        x, y, z = (float(v) for v in affine[:3, :3] @ centre + affine[:3, 3])
        found = (x, y, z)
    return PatchPhantom(np.clip(np.rint(hu), -1024, 3071).astype(np.int16), affine, found, contrast)


def _body(
    shape: tuple[int, int, int], extent: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """An elliptic body with a rim of fat, moved and turned a little, as large as its field of view allows."""
    x, y, z = (
        np.linspace(-1, 1, n, dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, n in enumerate(shape)
    )
    angle, shift = rng.uniform(-0.4, 0.4), rng.uniform(-0.06, 0.06, 2)
    u = np.cos(angle) * (x - shift[0]) + np.sin(angle) * (y - shift[1])
    v = np.cos(angle) * (y - shift[1]) - np.sin(angle) * (x - shift[0])
    lobes = 1 + sum(rng.uniform(-0.05, 0.05) * np.cos(n * np.arctan2(v, u) + rng.uniform(0, 6.28)) for n in (2, 3, 5))
    taper = 1 + rng.uniform(-0.06, 0.06) * z
    radius = np.hypot(u / rng.uniform(0.86, 0.97), v / rng.uniform(0.72, 0.9)) / (lobes * taper)
    rim = rng.uniform(0.06, 0.12)
    return radius < 1, radius < 1 - rim


def _patches(shape: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Tissue that is not the same everywhere: smooth, a few HU."""
    found = rng.normal(0, 5, tuple(max(3, n // 32) for n in shape)).astype(np.float32)
    for axis, length in enumerate(shape):  # linear, one axis after the other
        place = np.linspace(0, found.shape[axis] - 1, length)
        low = np.minimum(place.astype(int), found.shape[axis] - 2)
        share = (place - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        found = found.take(low, axis) * (1 - share) + found.take(low + 1, axis) * share
    return found


def _grow(vessels: NDArray[np.bool_], extent: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Grow one vessel with its branches from a place in the body: each branch thinner than its parent."""
    start = rng.uniform(0.05, 0.95, 3) * extent
    heading = _unit(rng.normal(size=3))
    todo = [(start, heading, float(rng.uniform(1.4, VESSEL_RADIUS_MM[1])), 0)]
    while todo:
        place, heading, radius, depth = todo.pop()
        path = _walk(place, heading, float(rng.uniform(20, 45)), rng)
        _draw(vessels, path, radius)
        for _ in range(2 if depth < 2 else 0):
            thinner = radius * float(rng.uniform(0.65, 0.85))
            if thinner > VESSEL_RADIUS_MM[0]:
                at = path[int(rng.integers(len(path) // 2, len(path)))]
                todo.append((at, _unit(heading + rng.normal(0, 0.7, 3)), thinner, depth + 1))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))


def _walk(
    start: NDArray[np.float64], heading: NDArray[np.float64], length_mm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Walk a smooth path, (steps, 3) mm."""
    steps = max(4, int(length_mm / STEP_MM))
    turns = heading + np.cumsum(rng.normal(0, 0.06, (steps, 3)), axis=0)
    return np.asarray(start + STEP_MM * np.cumsum(turns / np.linalg.norm(turns, axis=1, keepdims=True), axis=0))


def _draw(vessels: NDArray[np.bool_], path: NDArray[np.float64], radius: float) -> None:
    """Leave a tube behind."""
    spacing = np.array(SPACING_MM)
    reach = np.ceil(radius / spacing).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), -1).reshape(-1, 3)
    nearest = np.round(path / spacing - 0.5).astype(int)
    rest = (nearest + 0.5) * spacing - path  # (steps, 3) mm, from the path to its voxel's centre
    away = offsets * spacing
    squared = (away**2).sum(-1)[None] + 2 * rest @ away.T + (rest**2).sum(-1)[:, None]  # (steps, offsets)
    step, offset = np.nonzero(squared < radius**2)
    voxels = nearest[step] + offsets[offset]
    voxels = voxels[((voxels >= 0) & (voxels < vessels.shape)).all(-1)]
    vessels[tuple(voxels.T)] = True


def _place(inner: NDArray[np.bool_], vessels: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Choose a centre, in fractional voxels: whole inside the body, beside a vessel but free of it."""
    spacing, shape = np.array(SPACING_MM), np.array(inner.shape)
    reach = np.ceil((LESION_RADIUS_MM + NEAR_MM) / spacing).astype(int)
    while True:
        centre = rng.uniform(0.08, 0.92, 3) * shape
        low = np.maximum(np.floor(centre - reach).astype(int), 0)
        high = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        index = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
        away = np.linalg.norm((index - centre) * spacing, axis=-1)
        ball = away < LESION_RADIUS_MM + FREE_MM
        whole = ball.sum() * spacing.prod() > 0.98 * 4.19 * (LESION_RADIUS_MM + FREE_MM) ** 3
        if whole and inner[box][ball].all() and not vessels[box][ball].any() and vessels[box].any():
            return np.asarray(centre)


def _plant(hu: NDArray[np.float32], centre: NDArray[np.float64], contrast_hu: float) -> None:
    """Add a ball whose border voxels are filled by their share."""
    spacing = np.array(SPACING_MM)
    reach = np.ceil((LESION_RADIUS_MM + 2) / spacing).astype(int)
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    high = np.minimum(np.floor(centre).astype(int) + reach + 2, hu.shape)
    index = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), -1)
    away = np.linalg.norm((index - centre) * spacing, axis=-1)
    filled = np.clip((LESION_RADIUS_MM - away) / float(spacing.mean()) + 0.5, 0, 1)
    hu[tuple(np.moveaxis(index, -1, 0))] += (contrast_hu * filled).astype(np.float32)


def _noise(shape: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    raw = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), NOISE_BLUR)
    return np.asarray(raw * np.float32(NOISE_HU / raw.std()))


def write(phantom: PatchPhantom, path: object) -> None:
    """Write a phantom as NIfTI."""
    image = nib.Nifti1Image(phantom.voxels, phantom.affine, dtype=np.int16)
    image.set_sform(phantom.affine, code=1)
    image.set_qform(phantom.affine, code=1)
    nib.save(image, path)
