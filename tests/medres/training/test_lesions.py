"""Where lesions lie in the prepared grid, and what a patch holds of them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from medres import geometry
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import DatasetError
from medres.preprocessing.model_input import View
from medres.training.lesions import Frames, Lesion, find_lesions, held_by_patch

SCAN = np.diag([-2.0, -2.0, 3.0, 1.0])
SCAN[:3, 3] = [40.0, 40.0, -30.0]
SCAN_SHAPE = (40, 40, 20)
GRID = np.diag([1.5, 1.5, 1.5, 1.0])
GRID[:3, 3] = [-38.0, -38.0, -30.0]
FRAMES = Frames(SCAN, SCAN_SHAPE, GRID)
CENTRE_MM = (6.0, -10.0, 3.0)


def one_row(folder, **paths):
    """A manifest of one row, and the row."""
    row = ManifestRow(2, "p", {"image": Path("scan.nii")}, "yes", **{name: Path(p) for name, p in paths.items()})
    return Manifest((row,), folder), row


def test_a_point_lands_where_it_lies_in_mm(tmp_path):
    (tmp_path / "points.csv").write_text("x_lps_mm,y_lps_mm,z_lps_mm,diameter_mm\n-6,10,3,6\n")
    manifest, row = one_row(tmp_path, points_path="points.csv")
    (lesion,) = find_lesions(manifest, row, "points", FRAMES, must=True)
    assert np.allclose(geometry.apply_affine(GRID, lesion.cells), [CENTRE_MM])
    assert np.allclose(lesion.reach, 2.0)


def test_two_regions_of_a_mask_are_two_lesions_in_their_places(tmp_path):
    inside = np.zeros(SCAN_SHAPE, np.uint8)
    inside[10:14, 20:23, 8:10] = 1
    inside[30, 30, 3] = 1
    nib.save(nib.Nifti1Image(inside, SCAN), tmp_path / "mask.nii")
    manifest, row = one_row(tmp_path, mask_path="mask.nii")
    large, small = find_lesions(manifest, row, "masks", FRAMES, must=True)
    assert np.allclose(geometry.apply_affine(GRID, small.cells), geometry.apply_affine(SCAN, [[30, 30, 3]]))
    assert len(large.cells) == 24
    assert large.cell_size == pytest.approx(12.0 / 1.5**3)


@pytest.mark.parametrize("supervision", ["points", "masks"])
def test_reject_a_positive_scan_that_says_nowhere_where_its_lesion_is(tmp_path, supervision):
    manifest, row = one_row(tmp_path)
    assert find_lesions(manifest, row, supervision, FRAMES, must=False) == ()
    with pytest.raises(DatasetError, match="E_LESION_NONE"):
        find_lesions(manifest, row, supervision, FRAMES, must=True)


def test_reject_a_point_off_its_scan(tmp_path):
    (tmp_path / "points.csv").write_text("x_ras_mm,y_ras_mm,z_ras_mm\n0,0,300\n")
    manifest, row = one_row(tmp_path, points_path="points.csv")
    with pytest.raises(DatasetError, match="E_POINTS"):
        find_lesions(manifest, row, "points", FRAMES, must=True)


def test_a_lesion_counts_in_the_inner_part_and_at_the_border_of_the_scan():
    def held(place, start):
        """What a patch of 12 voxels holds of a point, three quarters of it inner."""
        point = Lesion(np.array([place], float), 0.0, np.full(3, 2.0))
        return held_by_patch([point], View(start, (12, 12, 12)), (40, 40, 40), 0.75)

    assert held((16, 16, 16), (10, 10, 10)) == "lesion"
    assert held((10, 16, 16), (10, 10, 10)) == "part"
    assert held((8, 16, 16), (10, 10, 10)) == "part"  # its radius reaches in
    assert held((7, 16, 16), (10, 10, 10)) == "nothing"
    assert held((0, 6, 6), (0, 0, 0)) == "lesion"
    assert held((39, 36, 36), (28, 28, 28)) == "lesion"


def test_every_place_of_the_grid_counts_in_at_least_one_sliding_patch():
    from medres.preprocessing.spec import PatchesView
    from medres.preprocessing.views import find_views

    shape, spec = (37, 30, 25), PatchesView(size=(12, 12, 12), overlap=0.25)
    views = find_views(spec, shape)
    for place in np.random.default_rng(0).uniform(-0.5, np.array(shape) - 0.5, (200, 3)):
        point = Lesion(place[None], 0.0, np.zeros(3))
        assert any(held_by_patch([point], view, shape, 0.75) == "lesion" for view in views)


def test_half_a_mask_or_half_of_the_inner_part_makes_a_patch_positive():
    whole = np.argwhere(np.ones((20, 20, 20))).astype(float)
    large = Lesion(whole, 1.0, np.full(3, 0.5))
    shape = (60, 60, 60)
    assert held_by_patch([large], View((4, 4, 4), (8, 8, 8)), shape, 0.5) == "lesion"  # inside, far from half of it
    assert held_by_patch([large], View((17, 4, 4), (8, 8, 8)), shape, 0.5) == "part"
    assert held_by_patch([large], View((21, 4, 4), (8, 8, 8)), shape, 0.5) == "nothing"
    small = Lesion(whole[:50] + 20, 1.0, np.full(3, 0.5))
    assert held_by_patch([small], View((14, 14, 25), (16, 16, 16)), shape, 0.75) == "lesion"
