import itertools

import numpy as np
import pytest

from medres import geometry
from medres.results.planes import pixel_to_mm, plane_grid, plane_values, planes_of
from medres.volume import Volume


def labelled_volume(codes):
    """A volume whose voxel value tells its place in RAS+ mm: 10000 R + 100 A + S."""
    shape, spacing = (4, 5, 6), np.diag([2.0, 3.0, 4.0, 1.0])
    order, flips = geometry.reorientation(spacing, codes)
    affine = geometry.reoriented_affine(spacing, shape, order, flips)
    index = np.indices(tuple(shape[axis] for axis in order))
    places = geometry.apply_affine(affine, np.moveaxis(index, 0, -1))
    return Volume(places @ np.array([10000.0, 100.0, 1.0]), affine, "CT")


ALL_ORIENTATIONS = [
    "".join(letters) for order in itertools.permutations(["RL", "AP", "SI"]) for letters in itertools.product(*order)
]


@pytest.mark.parametrize("codes", ALL_ORIENTATIONS)
def test_axial_coronal_sagittal_hang_in_radiological_convention_for_all_48_orientations(codes):
    scan = labelled_volume(codes)
    assert plane_grid(scan, "axial").letters == ("R", "L", "A", "P")
    assert plane_grid(scan, "coronal").letters == ("R", "L", "S", "I")
    assert plane_grid(scan, "sagittal").letters == ("A", "P", "S", "I")


@pytest.mark.parametrize("codes", ALL_ORIENTATIONS)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_each_pixel_shows_the_voxel_at_its_place(codes, plane):
    scan = labelled_volume(codes)
    grid = plane_grid(scan, plane)
    shown = plane_values(scan, grid, 2)
    rows, columns = np.indices(shown.shape)
    pixels = np.stack([columns, rows, np.zeros_like(rows)], axis=-1)
    places = geometry.apply_affine(pixel_to_mm(grid, 2)[0], pixels)
    assert np.allclose(shown, places @ np.array([10000.0, 100.0, 1.0]))


def test_slices_count_in_the_volumes_own_order():
    scan = labelled_volume("LPI")
    assert np.array_equal(plane_values(scan, plane_grid(scan, "axial"), 1), scan.voxels[:, :, 1].T)


def test_oblique_scan_names_the_strongest_letter_first():
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    scan = Volume(np.zeros((4, 4, 4)), turn @ np.diag([-1.0, -1.0, 1.0, 1.0]), "MR")
    assert plane_grid(scan, "axial").letters == ("RA", "LP", "AL", "PR")


def test_no_letters_where_the_side_is_not_known():
    picture = Volume(np.zeros((4, 5, 1)), np.eye(4), "US", frame="detector")
    assert planes_of(picture) == ("picture",)
    assert plane_grid(picture, "picture").letters == ("", "", "", "")
    nifti = Volume(np.zeros((4, 5, 6)), np.eye(4), "MR", codes=("W_NIFTI_NO_SIDE",))
    assert plane_grid(nifti, "axial").letters == ("", "", "", "")


def test_picture_is_shown_as_it_is():
    picture = Volume(np.arange(20.0).reshape(4, 5, 1), np.eye(4), "US", frame="detector")
    assert np.array_equal(plane_values(picture, plane_grid(picture, "picture"), 0), picture.voxels[:, :, 0].T)


def test_the_plane_a_scan_was_made_in_comes_first():
    assert planes_of(Volume(np.zeros((4, 5, 6)), np.diag([-1.0, -1, 1, 1]), "CT"))[0] == "axial"
    sagittal = labelled_volume("PIR")
    assert planes_of(sagittal)[0] == "sagittal"


def test_single_slice_offers_its_own_plane_only():
    assert planes_of(Volume(np.zeros((4, 5, 1)), np.diag([-1.0, -1, 1, 1]), "CT")) == ("axial",)


def test_square_pixels_keep_the_field_of_view():
    grid = plane_grid(labelled_volume("RAS"), "axial")  # 4 x 5 voxels of 2 x 3 mm
    affine, width, height = pixel_to_mm(grid, 0, 0.5)
    assert (width, height) == (16, 30)
    outer, fine = pixel_to_mm(grid, 0)[0], affine
    assert np.allclose(geometry.apply_affine(outer, (-0.5, -0.5, 0)), geometry.apply_affine(fine, (-0.5, -0.5, 0)))
    assert np.allclose(geometry.apply_affine(outer, (3.5, 4.5, 0)), geometry.apply_affine(fine, (15.5, 29.5, 0)))


def test_reject_slice_outside_the_volume():
    scan = labelled_volume("RAS")
    with pytest.raises(IndexError, match=r"in \[0, 5\], got 6"):
        plane_values(scan, plane_grid(scan, "axial"), 6)
