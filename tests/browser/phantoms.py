"""Phantoms for the canvas: axial, left-sided, oblique, tilted, float MR, colour picture; each with a heatmap."""

from __future__ import annotations

import numpy as np

from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results.windows import DisplayWindow
from medres.volume import Display, Volume

SHAPE = (40, 32, 24)
LESION_IJK = np.array([27.0, 12.0, 15.0])
HEAT_CELLS = 8
WINDOW = DisplayWindow(40.0, 400.0)


def _rotation(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return matrix


def _affine(name: str) -> np.ndarray:
    affine = np.diag([-1.5, -1.5, 3.0, 1.0])
    affine[:3, 3] = [30.0, 25.0, -40.0]
    if name == "left_sided":
        affine = np.diag([1.5, 1.2, -2.0, 1.0])
    if name == "oblique":
        affine = _rotation(20.0) @ affine
    if name == "tilted":
        affine[:3, 2] = [0.0, 0.8, 2.9]
    return affine


def volume(name: str) -> Volume:
    noise = np.random.default_rng(7)
    if name == "colour":
        voxels = noise.integers(0, 256, (40, 32, 1, 3)).astype(np.uint8)
        return Volume(voxels, np.eye(4), "US", frame="detector", spacing_known=False)
    values = noise.normal(0.0, 120.0, SHAPE)
    i, j, k = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    ball = (i - LESION_IJK[0]) ** 2 + (j - LESION_IJK[1]) ** 2 + (k - LESION_IJK[2]) ** 2 < 16
    values[ball] += 300.0
    if name == "float":
        return Volume(values.astype(np.float32), _affine(name), "MR")
    display = Display(WINDOW.center, WINDOW.width, inverted=name == "inverted")
    codes = ("W_NIFTI_NO_SIDE",) if name == "no_side" else ()
    return Volume(np.rint(values).astype(np.int16), _affine(name), "CT", "HU", codes=codes, display=display)


def heatmap(of: Volume) -> Heatmap:
    """A ball of heat about the lesion on a grid of coarse cells."""
    ratio = np.array(of.shape) / HEAT_CELLS if of.shape[2] > 1 else np.array([of.shape[0] / 8, of.shape[1] / 8, 1.0])
    affine = geometry.scaled_affine(of.affine, ratio)
    cells = (HEAT_CELLS, HEAT_CELLS, HEAT_CELLS if of.shape[2] > 1 else 1)
    centres = geometry.apply_affine(
        geometry.index_to_index(affine, of.affine), np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), -1)
    )
    lesion = np.where(np.array(of.shape) > 1, LESION_IJK, 0.0)
    distance = np.linalg.norm((centres - lesion) / ratio, axis=-1)
    relevance = np.exp(-((distance / 1.1) ** 2)).astype(np.float32)
    return Heatmap(
        relevance, affine, "lesion", "layer4", "Grad-CAM", 1.0, 0.35, "explanation.json", of.affine, of.shape
    )
