"""Prepared grids: orientation, spacing, size and centre are what the spec says, also for oblique and tilted scans."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medres import geometry
from medres.preprocessing.grid import Grid, fitted, oriented, spaced, straightened, target_grid
from medres.preprocessing.spec import PatchesView
from tests.small import CT_AFFINE, spec_3d

SHAPE = (30, 28, 22)


def rotated(degrees: float) -> np.ndarray:
    """CT_AFFINE turned about the patient's x axis."""
    turn, angle = np.eye(4), np.radians(degrees)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ CT_AFFINE


def tilted(degrees: float) -> np.ndarray:
    """CT_AFFINE with slices sheared along j, as by a gantry."""
    affine = CT_AFFINE.copy()
    affine[1, 2] = 2.0 * np.tan(np.radians(degrees))
    return affine


def corners_mm(grid: Grid) -> np.ndarray:
    return geometry.apply_affine(grid.affine, list(itertools.product(*((0, n - 1) for n in grid.shape))))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SPL", "AIR"])
def test_orientation_keeps_the_same_centres(codes):
    grid = oriented(Grid(CT_AFFINE, SHAPE), codes)
    assert geometry.orientation_codes(grid.affine) == codes
    have = {tuple(np.round(p, 9)) for p in corners_mm(grid)}
    assert have == {tuple(np.round(p, 9)) for p in corners_mm(Grid(CT_AFFINE, SHAPE))}


@given(st.tuples(*[st.floats(0.3, 5.0)] * 3))
def test_spacing_is_what_was_asked_and_every_voxel_stays_inside(wanted):
    grid = spaced(Grid(CT_AFFINE, SHAPE), wanted)
    assert np.allclose(geometry.spacing_mm(grid.affine), wanted)
    back = geometry.apply_affine(np.linalg.inv(grid.affine), corners_mm(Grid(CT_AFFINE, SHAPE)))
    assert (back > -0.5 - 1e-6).all()
    assert (back < np.array(grid.shape) - 0.5 + 1e-6).all()


def test_pictures_keep_their_third_axis():
    grid = spaced(Grid(np.diag([0.2, 0.2, 1.0, 1.0]), (100, 60, 1)), (0.4, 0.4))
    assert grid.shape == (50, 30, 1)
    assert fitted(grid, (64, 64), "contain").shape == (64, 64, 1)


@pytest.mark.parametrize("fit", ["contain", "stretch", "crop_pad"])
@pytest.mark.parametrize("size", [(16, 40, 9), (31, 5, 22), (64, 64, 64)])
def test_fit_keeps_the_centre(fit, size):
    grid = fitted(Grid(CT_AFFINE, SHAPE), size, fit)
    offset = geometry.apply_affine(np.linalg.inv(CT_AFFINE), geometry.centre_mm(grid.affine, grid.shape))
    allowed = 0.5 if fit == "crop_pad" else 1e-9
    assert grid.shape == size
    assert np.abs(offset - (np.array(SHAPE) - 1) / 2).max() <= allowed


def test_crop_pad_moves_by_whole_voxels():
    grid = fitted(Grid(CT_AFFINE, SHAPE), (17, 33, 20), "crop_pad")
    place = geometry.index_to_index(grid.affine, CT_AFFINE)
    assert np.allclose(place[:3, :3], np.eye(3))
    assert np.allclose(place[:3, 3], np.round(place[:3, 3]))


def test_contain_shows_the_whole_scan_with_one_factor():
    grid = fitted(Grid(CT_AFFINE, SHAPE), (15, 15, 15), "contain")
    factor = geometry.spacing_mm(grid.affine) / geometry.spacing_mm(CT_AFFINE)
    assert np.allclose(factor, 2.0)


def test_stretch_makes_the_outer_edges_coincide():
    grid = fitted(Grid(CT_AFFINE, SHAPE), (15, 7, 44), "stretch")
    edges = [np.full(3, -0.5), np.array(grid.shape) - 0.5]
    there = geometry.apply_affine(geometry.index_to_index(grid.affine, CT_AFFINE), edges)
    assert np.allclose(there, [np.full(3, -0.5), np.array(SHAPE) - 0.5])


def test_zero_keeps_an_axis_in_number_and_size():
    grid = fitted(Grid(CT_AFFINE, SHAPE), (15, 14, 0), "contain")
    assert grid.shape == (15, 14, 22)
    assert np.isclose(geometry.spacing_mm(grid.affine)[2], 2.0)


@pytest.mark.parametrize("degrees", [-22.0, -3.0, 5.0, 30.0])
@pytest.mark.parametrize("codes", ["LPS", "SRA", "PSR"])
def test_a_tilted_stack_is_stood_upright_around_all_of_it(degrees, codes):
    leaning = Grid(tilted(degrees), SHAPE)
    grid = oriented(straightened(leaning), codes)
    unit = geometry.cosines(grid.affine)
    assert np.allclose(unit.T @ unit, np.eye(3), atol=1e-12)
    assert geometry.orientation_codes(grid.affine) == codes
    slices = codes.index("S")
    assert np.isclose(geometry.spacing_mm(grid.affine)[slices], 2.0)  # distance of slices along their normal
    back = geometry.apply_affine(np.linalg.inv(grid.affine), corners_mm(leaning))
    assert (back > -1e-6).all()
    assert (back < np.array(grid.shape) - 1 + 1e-6).all()


@pytest.mark.parametrize("degrees", [0.0, 10.0, 40.0])
def test_an_oblique_but_orthogonal_scan_is_left_as_it_is(degrees):
    grid = Grid(rotated(degrees), SHAPE)
    assert straightened(grid) is grid


def test_without_spacing_a_tilted_scan_keeps_its_own_voxels():
    grid = target_grid(Grid(tilted(20.0), SHAPE), spec_3d(spacing_mm=None, size=(30, 28, 22)), "LPS")
    assert np.allclose(grid.affine, tilted(20.0))


def test_a_grid_smaller_than_a_patch_is_padded_to_it():
    spec = spec_3d(spacing_mm=None, size=None, views=PatchesView(size=(32, 16, 32)))
    assert target_grid(Grid(CT_AFFINE, SHAPE), spec, "LPS").shape == (32, 28, 32)
