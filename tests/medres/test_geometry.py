"""Geometry by invariants, and against nibabel where it has the same function."""

from __future__ import annotations

import itertools

import nibabel
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from medres import geometry

ANY_CODES = ["".join(c) for p in itertools.permutations(["LR", "PA", "IS"]) for c in itertools.product(*p)]


@st.composite
def affines(draw, max_tilt=0.4):
    """Grids of any orientation and obliquity, a little sheared, with spacings of 0.2 to 8 mm."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shear = np.eye(3)
    shear[0, 2] = rng.uniform(-max_tilt, max_tilt)
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ np.diag(rng.uniform(0.2, 8, 3))
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    return affine


@given(affines())
def test_lps_and_ras_are_each_others_inverse(affine):
    assert np.array_equal(geometry.ras_to_lps(geometry.lps_to_ras(affine)), affine)
    assert np.array_equal(geometry.lps_to_ras(affine)[:2], -affine[:2])


@given(affines())
def test_spacing_and_voxel_size_equal_nibabel(affine):
    assert np.allclose(geometry.spacing_mm(affine), nibabel.affines.voxel_sizes(affine))


@given(affines())
def test_orientation_codes_equal_nibabel_where_one_axis_is_clearly_nearest(affine):
    sizes = np.sort(np.abs(geometry.cosines(affine)), axis=0)
    assume((sizes[2] - sizes[1]).min() > 0.05)
    largest = np.abs(geometry.cosines(affine)).argmax(axis=0)
    assume(len(set(largest)) == 3)
    assert geometry.orientation_codes(affine) == "".join(nibabel.aff2axcodes(affine))


@pytest.mark.parametrize("have", ANY_CODES[::5])
@pytest.mark.parametrize("want", ANY_CODES[::7])
def test_reorientation_equals_nibabel(have, want):
    shape = (5, 6, 7)
    start = np.diag([0.7, 1.1, 2.0, 1.0])
    affine = start @ inv_ornt_aff(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(have)), shape)
    order, flips = geometry.reorientation(affine, want)
    back = inv_ornt_aff(ornt_transform(io_orientation(affine), axcodes2ornt(want)), shape)
    assert np.allclose(geometry.reoriented_affine(affine, shape, order, flips), affine @ back)


@given(affines(), st.sampled_from(ANY_CODES))
def test_reoriented_voxels_keep_their_place(affine, codes):
    shape = (4, 5, 6)
    order, flips = geometry.reorientation(affine, codes)
    turned = geometry.reoriented_affine(affine, shape, order, flips)
    assert geometry.orientation_codes(turned) == codes
    ijk = np.indices(shape).transpose(1, 2, 3, 0)  # every voxel carries its own index
    there = ijk.transpose(*order, 3)[tuple(slice(None, None, -1) if f else slice(None) for f in flips)]
    new = np.indices(there.shape[:3]).transpose(1, 2, 3, 0)
    assert np.allclose(geometry.apply_affine(turned, new), geometry.apply_affine(affine, there))


def test_reject_codes_that_name_an_axis_twice():
    with pytest.raises(ValueError, match="got 'RRS'"):
        geometry.reorientation(np.eye(4), "RRS")


@given(affines(), st.tuples(*[st.floats(0.2, 6)] * 3))
def test_a_spaced_grid_shares_the_outer_corner_and_covers_every_centre(affine, spacing):
    shape = (9, 8, 7)
    new, new_shape = geometry.spaced_grid(affine, shape, spacing)
    corner = np.full(3, -0.5)
    assert np.allclose(geometry.spacing_mm(new), spacing)
    assert np.allclose(geometry.apply_affine(new, corner), geometry.apply_affine(affine, corner))
    last = geometry.apply_affine(geometry.index_to_index(affine, new), np.array(shape) - 1.0)
    assert (last <= np.array(new_shape) - 0.5 + 1e-6).all()


@given(affines(), st.tuples(*[st.integers(-20, 20)] * 3))
def test_a_shifted_grid_begins_at_the_voxel_named(affine, start):
    shifted = geometry.shifted_affine(affine, start)
    assert np.allclose(geometry.apply_affine(shifted, (0, 0, 0)), geometry.apply_affine(affine, start))
    assert np.allclose(
        geometry.apply_affine(shifted, (1, 2, 3)), geometry.apply_affine(affine, np.add(start, (1, 2, 3)))
    )


@given(affines(), affines())
def test_index_to_index_goes_through_the_world(one, two):
    index = np.array([3.0, -1.0, 2.5])
    there = geometry.apply_affine(geometry.index_to_index(one, two), index)
    assert np.allclose(geometry.apply_affine(two, there), geometry.apply_affine(one, index), atol=1e-6)


@pytest.mark.parametrize("degrees", [0.0, 3.0, 17.5, 30.0])
def test_shear_is_the_gantrys_angle(degrees):
    affine = np.diag([0.5, 0.5, 2.5, 1.0])
    affine[1, 2] = 2.5 * np.tan(np.radians(degrees))
    assert geometry.shear_degrees(affine) == pytest.approx(degrees, abs=1e-6)


@given(affines(max_tilt=0.0))
def test_orthogonal_grids_have_no_shear_and_a_volume_of_their_spacings(affine):
    assert geometry.shear_degrees(affine) == pytest.approx(0.0, abs=1e-4)
    assert geometry.voxel_volume_mm3(affine) == pytest.approx(np.prod(geometry.spacing_mm(affine)))


def test_oblique_is_told_from_straight():
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    assert geometry.is_oblique(turn)
    assert not geometry.is_oblique(np.diag([-0.7, 0.7, 3.0, 1.0]))


@pytest.mark.parametrize(
    ("direction", "letters"), [((1, 0, 0), "R"), ((0, -2, 0), "P"), ((0, 0.1, 1), "SA"), ((-0.6, 0.7, -0.2), "ALI")]
)
def test_edges_are_named_by_strength(direction, letters):
    assert geometry.edge_letters(direction) == letters


def test_the_centre_is_the_mean_of_the_corners():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    corners = geometry.apply_affine(affine, list(itertools.product((0, 4), (0, 5), (0, 6))))
    assert np.allclose(geometry.centre_mm(affine, (5, 6, 7)), corners.mean(axis=0))


@given(affines(), st.tuples(*[st.integers(0, 4)] * 3))
def test_the_voxel_nearest_to_a_voxels_centre_is_that_voxel(affine, voxel):
    assert geometry.nearest_voxel(affine, (5, 5, 5), geometry.apply_affine(affine, voxel)) == voxel
