"""A seed -> one synthetic patient: body, fat, gas, spine, ribs, vessels, noise and, in half of them, a lesion.

Knows no file format. The lesion is a faint irregular ball (contrast at most twice the noise) among vessels that are as
bright as it is, and bone that is far brighter, so that neither the brightest voxel, the mean nor the size of the body
gives it away: only its shape does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]

AIR_HU, GAS_HU, FAT_HU, TISSUE_HU, BONE_HU = -1000.0, -850.0, -95.0, 45.0, 420.0
NOISE_HU = 18.0
LESION_CONTRAST = (1.6, 2.0)  # contrast over noise, lowest and highest
LESION_RADIUS_MM = (9.0, 16.0)
VESSEL_RADIUS_MM = (1.5, 2.8)
VESSEL_STEP_MM = 2.0
EXTENT_MM = (144.0, 112.0, 96.0)
TRIES = 200  # places looked at before a lesion is made smaller
STEPS = np.array([v for v in np.ndindex(3, 3, 3) if v != (1, 1, 1)]) - 1.0
SPHERE = STEPS / np.linalg.norm(STEPS, axis=1, keepdims=True)  # (26, 3) directions


@dataclass(frozen=True)
class Lesion:
    """A planted lesion.

    Attributes:
        centre_mm: (3,), RAS+ mm.
        radius_mm: of the ball of the same volume, mm.
        contrast: over the noise's standard deviation.
    """

    centre_mm: tuple[float, float, float]
    radius_mm: float
    contrast: float


@dataclass(frozen=True, eq=False)
class Phantom:
    """One synthetic patient.

    Attributes:
        voxels: (i, j, k) int16; HU for "CT", arbitrary units for "MR".
        affine: (4, 4), index to RAS+ mm.
        modality: "CT" or "MR".
        lesion: None for a patient without one.
        mask: (i, j, k) bool, the lesion.
    """

    voxels: NDArray[np.int16]
    affine: NDArray[np.float64]
    modality: str
    lesion: Lesion | None
    mask: NDArray[np.bool_]


def build_phantom(
    seed: int, *, modality: str = "CT", lesion: bool = True, spacing_mm: tuple[float, float, float] = (2.0, 2.0, 3.0)
) -> Phantom:
    """Make one patient.

    Args:
        seed: the patient; the same seed gives the same anatomy with and without a lesion.
        modality: "CT" (HU) or "MR" (T1-like, arbitrary units, bias field).
        lesion: whether to plant one.
        spacing_mm: (3,), mm.

    Returns:
        The patient, in LPS order of axes as a scanner writes it (i to the left, j to the back, k to the head).
    """
    rng = np.random.default_rng([seed, 7])
    shape = tuple(round(e / s) for e, s in zip(EXTENT_MM, spacing_mm, strict=True))
    grid = _millimetres(shape, spacing_mm)
    posed = _pose(grid, rng)
    body, inner = _body(posed, rng)
    tissue = _tissue(inner, spacing_mm, rng)
    planted = _plan_lesion(inner & (posed[1] < 14), grid, spacing_mm, rng)
    _add_pockets(tissue, grid, planted, rng)
    ball = _ball(grid, planted, rng)
    mask = ball if lesion else np.zeros(shape, bool)
    tissue[mask] += planted.contrast * NOISE_HU
    hu = np.where(inner, tissue, np.where(body, FAT_HU, AIR_HU)).astype(np.float32)
    _add_bone(hu, posed, body, rng)
    voxels = _finish_ct(hu, body, rng) if modality == "CT" else _finish_mr(hu, body, grid, rng)
    affine = _scanner_affine(shape, spacing_mm)
    found = Lesion(_to_ras(planted.centre_mm), planted.radius_mm, planted.contrast) if lesion else None
    return Phantom(voxels, affine, modality, found, mask)


def _millimetres(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> list[Array]:
    """Give the coordinates of voxel centres about the middle, in scanner axes (LPS), mm."""
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing_mm, strict=True)]
    return [a.astype(np.float32) for a in np.meshgrid(*axes, indexing="ij", sparse=True)]


def _scanner_affine(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Index to RAS+ mm of a grid whose axes run to the left, the back and the head."""
    affine = np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0])
    affine[:3, 3] = [(n - 1) / 2 * s for n, s in zip(shape, spacing_mm, strict=True)] * np.array([1, 1, -1])
    return affine


def _to_ras(lps_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    return (-lps_mm[0], -lps_mm[1], lps_mm[2])


def _pose(grid: list[Array], rng: np.random.Generator) -> list[Array]:
    """The body's own coordinates: turned about the long axis and moved off the middle, as patients lie."""
    x, y, z = grid
    angle, shift = np.radians(rng.uniform(-12, 12)), rng.uniform(-5, 5, 2)
    turned_x = np.cos(angle) * (x - shift[0]) + np.sin(angle) * (y - shift[1])
    turned_y = np.cos(angle) * (y - shift[1]) - np.sin(angle) * (x - shift[0])
    return [turned_x.astype(np.float32), turned_y.astype(np.float32), z]


def _body(posed: list[Array], rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The body's lobed outline and what lies inside its rim of fat, of random size."""
    x, y, z = posed
    wide, deep, rim = rng.uniform(50, 62), rng.uniform(38, 48), rng.uniform(4, 9)
    angle = np.arctan2(y / deep, x / wide)
    lobes = 1 + sum(rng.uniform(-0.05, 0.05) * np.cos(n * angle + rng.uniform(0, 6.28)) for n in (2, 3, 4, 5))
    taper = 1 + rng.uniform(-0.0015, 0.0015) * z
    radius = np.sqrt((x / wide) ** 2 + (y / deep) ** 2) / (lobes * taper)
    return radius < 1, radius < 1 - rim / deep


def _tissue(inner: NDArray[np.bool_], spacing_mm: tuple[float, ...], rng: np.random.Generator) -> Array:
    """Organ-like patches of tissue crossed by vessels that are as bright as a lesion."""
    coarse = rng.normal(0, 1, (6, 5, 4)).astype(np.float32)
    patches = coarse
    for axis, count in enumerate(inner.shape):
        patches = np.repeat(patches, -(-count // patches.shape[axis]), axis=axis).take(range(count), axis)
    patches = ndimage.uniform_filter(patches, 7)
    tissue = (TISSUE_HU + rng.uniform(-8, 8) + 4 * patches).astype(np.float32)
    vessels = np.zeros(inner.shape, bool)
    for _ in range(rng.integers(4, 10)):
        _draw_vessel(vessels, spacing_mm, rng)
    bright: Array = tissue + vessels * np.float32(rng.uniform(*LESION_CONTRAST) * NOISE_HU)
    return bright


def _add_pockets(tissue: Array, grid: list[Array], planted: Lesion, rng: np.random.Generator) -> None:
    """Lobules of fat and pockets of gas anywhere but around the place of the lesion, planted or not."""
    x, y, z = grid
    for value in (FAT_HU,) * int(rng.integers(3, 8)) + (GAS_HU,) * int(rng.integers(1, 5)):
        centre = rng.uniform(-0.4, 0.4, 3) * EXTENT_MM
        radii = rng.uniform(5, 13, 3)
        away = np.linalg.norm(centre - np.array(planted.centre_mm))
        if away > planted.radius_mm * 1.3 + radii.max():
            inside = sum(((g - c) / r) ** 2 for g, c, r in zip((x, y, z), centre, radii, strict=True)) < 1
            tissue[inside] = value


def _draw_vessel(vessels: NDArray[np.bool_], spacing_mm: tuple[float, ...], rng: np.random.Generator) -> None:
    """Walk a smooth random path through the body and leave a tube behind."""
    spacing = np.array(spacing_mm)
    steps = int(rng.integers(25, 60))
    start = rng.uniform(0.15, 0.85, 3) * vessels.shape * spacing
    headings = rng.normal(size=3) + np.cumsum(rng.normal(0, 0.15, (steps, 3)), axis=0)
    headings /= np.linalg.norm(headings, axis=1, keepdims=True)
    path = start + VESSEL_STEP_MM * np.cumsum(headings, axis=0)  # (steps, 3) mm
    radius = rng.uniform(*VESSEL_RADIUS_MM)
    reach = np.ceil(radius / spacing).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), -1).reshape(-1, 3)
    nearest = np.round(path / spacing - 0.5).astype(int)
    voxels = nearest[:, None] + offsets[None]  # (steps, offsets, 3)
    near = np.linalg.norm((voxels + 0.5) * spacing - path[:, None], axis=-1) < radius
    inside = near & ((voxels >= 0) & (voxels < vessels.shape)).all(-1)
    vessels[tuple(voxels[inside].T)] = True


def _plan_lesion(
    free: NDArray[np.bool_], grid: list[Array], spacing_mm: tuple[float, ...], rng: np.random.Generator
) -> Lesion:
    """Choose size, contrast and a place where the lesion lies whole in what is free; shrink it where none is found."""
    radius, contrast = float(rng.uniform(*LESION_RADIUS_MM)), float(rng.uniform(*LESION_CONTRAST))
    places = np.argwhere(free)
    while True:
        rim = np.round(SPHERE * radius * 1.2 / np.array(spacing_mm)).astype(int)  # (directions, 3) voxels
        for place in places[rng.integers(len(places), size=TRIES)]:
            around = place + rim
            if ((around >= 0) & (around < free.shape)).all() and free[tuple(around.T)].all():
                x, y, z = (float(axis.ravel()[n]) for axis, n in zip(grid, place, strict=True))
                return Lesion((x, y, z), radius, contrast)
        radius *= 0.9


def _ball(grid: list[Array], lesion: Lesion, rng: np.random.Generator) -> NDArray[np.bool_]:
    """An irregular ball: three axes of their own and a lobed surface, its centre of mass kept."""
    stretch = rng.uniform(0.85, 1.18, 3)
    stretch = stretch / np.cbrt(stretch.prod())
    x, y, z = ((g - c) / s for g, c, s in zip(grid, lesion.centre_mm, stretch, strict=True))
    angle = np.arctan2(y, x)
    lobes = 1 + 0.1 * np.cos(4 * angle + rng.uniform(0, 6.28))
    inside: NDArray[np.bool_] = np.sqrt(x**2 + y**2 + z**2) < lesion.radius_mm * lobes
    return inside


def _add_bone(hu: Array, posed: list[Array], body: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """A spine at the back and ribs that run obliquely along the rim."""
    x, y, z = posed
    back = rng.uniform(24, 30)
    spine = np.broadcast_to((x / 11) ** 2 + ((y - back) / 9) ** 2 < 1, hu.shape)
    canal = np.broadcast_to(x**2 + (y - back - 6) ** 2 < 4**2, hu.shape)
    ring = np.sqrt((x / rng.uniform(47, 56)) ** 2 + (y / rng.uniform(35, 43)) ** 2)
    phase, pitch = rng.uniform(0, 22), rng.uniform(18, 24)
    ribs = (np.abs(ring - 1) < 0.05) & ((z + 0.35 * y + phase) % pitch < 6) & body
    density = BONE_HU + rng.uniform(-120, 250)
    hu[ribs] = density
    hu[spine & ~canal & body] = density + 40
    hu[canal & body] = 30


def _finish_ct(hu: Array, body: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int16]:
    """Blur by the scanner's point spread, add its noise, keep HU."""
    blurred = ndimage.gaussian_filter(hu, (0.5, 0.5, 0.3))
    noise = rng.normal(0, NOISE_HU, hu.shape).astype(np.float32)
    return np.asarray(np.clip(np.round(blurred + noise), -1024, 3071), np.int16)


def _finish_mr(hu: Array, body: NDArray[np.bool_], grid: list[Array], rng: np.random.Generator) -> NDArray[np.int16]:
    """Turn tissue into a T1-like signal: bright fat, dark bone and air, a bias field, an arbitrary scale."""
    signal = np.where(hu < -500, 0, np.where(hu < -50, 900, np.where(hu > 250, 120, 400 + 4 * (hu - TISSUE_HU))))
    slope = rng.uniform(-0.25, 0.25, 3)
    bias = np.exp(sum(s * g / 60 for s, g in zip(slope, grid, strict=True)))
    noisy = ndimage.gaussian_filter(signal, 0.5) * bias + rng.normal(0, 4 * NOISE_HU, hu.shape)
    return np.asarray(np.clip(np.round(np.abs(noisy) * rng.uniform(0.6, 1.6)), 0, 32767), np.int16)
