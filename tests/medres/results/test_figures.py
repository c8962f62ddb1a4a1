import numpy as np
import pytest

from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results.figures import heat_on_slice, render_slice
from medres.results.overlay import CONTOUR_COLOUR
from medres.results.planes import plane_grid
from medres.results.windows import DisplayWindow, apply_window
from medres.volume import Display, Volume

WINDOW = DisplayWindow(40, 400)


def scan(**changes):
    voxels = np.random.default_rng(0).normal(0, 200, (12, 10, 8))
    return Volume(voxels, np.diag([-2.0, -2.0, 5.0, 1.0]), "CT", **changes)


def heat(volume, places_ijk=((6, 5, 4),), cell=2):
    """A map with cells of `cell` voxels, one hot cell for each place."""
    shape = tuple(n // cell for n in volume.shape)
    relevance = np.zeros(shape, np.float32)
    for place in places_ijk:
        relevance[tuple(p // cell for p in place)] = 1.0
    affine = geometry.scaled_affine(volume.affine, (cell,) * 3)
    return Heatmap(
        relevance, affine, "tumour", "layer4", "Grad-CAM", 1.0, 0.5, "explanation.json", volume.affine, volume.shape
    )


def test_one_pixel_for_each_voxel_with_the_window_applied():
    volume = scan()
    picture = render_slice(volume, "axial", 3, WINDOW)
    assert picture.shape == (10, 12, 3)
    assert np.array_equal(picture[..., 0], apply_window(volume.voxels[:, :, 3].T, WINDOW))


def test_square_pixels_show_the_true_proportions():
    assert render_slice(scan(), "coronal", 3, WINDOW, pixel_mm=1.0).shape == (40, 24, 3)


def test_square_pixels_of_a_flat_scan_stay_flat():
    flat = Volume(np.full((4, 4, 4), 40.0), np.diag([1.0, 2.0, 3.0, 1.0]), "CT")
    assert np.unique(render_slice(flat, "sagittal", 1, WINDOW, pixel_mm=0.7)).size == 1


def test_picture_without_heatmap_is_the_same_where_no_region_is_hot():
    volume = scan()
    cold = heat(volume, places_ijk=())
    for style in ("contour", "fill"):
        assert np.array_equal(
            render_slice(volume, "axial", 4, WINDOW, heatmap=cold, style=style),
            render_slice(volume, "axial", 4, WINDOW),
        )


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_heat_lies_over_its_own_place_in_every_plane(plane):
    volume = scan()
    grid = plane_grid(volume, plane)
    place = (6, 5, 4)
    values = heat_on_slice(heat(volume, (place,)), grid, place[grid.order[2]], cells=True)
    column, row = (place[axis] for axis in grid.order[:2])
    column = grid.width - 1 - column if grid.flips[0] else column
    row = grid.height - 1 - row if grid.flips[1] else row
    assert values[row, column] == 1.0
    assert values.sum() == 4.0  # one cell of 2 x 2 voxels


def test_contour_is_drawn_in_its_colour_and_fill_is_not():
    volume = scan()
    hot = heat(volume)
    outlined = render_slice(volume, "axial", 4, WINDOW, heatmap=hot, cells=True)
    assert (outlined == CONTOUR_COLOUR).all(axis=-1).sum() == 4
    filled = render_slice(volume, "axial", 4, WINDOW, heatmap=hot, style="fill", cells=True)
    assert not (filled == CONTOUR_COLOUR).all(axis=-1).any()


def test_monochrome1_is_shown_inverted():
    volume = scan()
    inverted = volume.with_voxels(volume.voxels, display=Display(inverted=True))
    assert np.array_equal(render_slice(inverted, "axial", 0, WINDOW), 255 - render_slice(volume, "axial", 0, WINDOW))


def test_colour_picture_is_shown_as_it_is():
    voxels = np.random.default_rng(1).integers(0, 256, (6, 4, 1, 3)).astype(np.uint8)
    picture = Volume(voxels, np.eye(4), "US", frame="detector", spacing_known=False)
    assert np.array_equal(render_slice(picture, "picture", 0), np.swapaxes(voxels[:, :, 0], 0, 1))


def test_voi_table_of_the_file_is_used_until_a_window_is_chosen():
    table = np.array([[-1000.0, 0.0, 1000.0], [1.0, 0.5, 0.0]], np.float32)
    volume = scan(display=Display(voi_lut=table))
    expected = np.rint(np.interp(volume.voxels[:, :, 2].T, *table) * 255)
    assert np.array_equal(render_slice(volume, "axial", 2)[..., 0], expected)
    assert np.array_equal(render_slice(volume, "axial", 2, WINDOW), render_slice(scan(), "axial", 2, WINDOW))
