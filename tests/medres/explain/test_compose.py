import numpy as np
import pytest
import torch

from medres import geometry
from medres.explain.compose import compose
from medres.models.cells import Cells
from medres.preprocessing.model_input import ModelInput, View
from medres.preprocessing.spec import PatchesView, SlicesView
from medres.preprocessing.views import find_views

AFFINE = np.array([[-2.0, 0, 0, 10], [0, 0, 3.0, 20], [0, 1.5, 0, 30], [0, 0, 0, 1]])


def given(shape, views=()):
    return ModelInput(torch.zeros(1), AFFINE, shape, tuple(views), 1.0, (), "")


def test_whole_grid_in_3d_keeps_its_map_and_places_cells_by_their_centres():
    maps = np.random.default_rng(0).random((1, 2, 3, 4)).astype(np.float32)
    relevance, affine = compose(maps, Cells((0.5, 1.0, 2.0), (2.0, 4.0, 8.0)), given((4, 12, 32)))
    assert np.array_equal(relevance, maps[0])
    place = geometry.apply_affine(AFFINE, (0.5 + 2.0, 1.0 + 8.0, 2.0 + 24.0))
    assert np.allclose(geometry.apply_affine(affine, (1, 2, 3)), place)


def test_picture_is_turned_from_rows_and_columns_to_i_and_j():
    maps = np.arange(6, dtype=np.float32).reshape(1, 2, 3)  # 2 rows, 3 columns
    relevance, affine = compose(maps, Cells((5.0, 7.0), (10.0, 20.0)), given((60, 20, 1)))
    assert relevance.shape == (3, 2, 1)
    assert relevance[2, 1, 0] == maps[0, 1, 2]
    assert np.allclose(geometry.apply_affine(affine, (2, 1, 0)), geometry.apply_affine(AFFINE, (47.0, 15.0, 0.0)))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("count", [None, 3])
def test_slices_are_stacked_at_their_own_places_along_any_axis(axis, count):
    shape = (9, 9, 9)
    views = find_views(SlicesView(axis=axis, count=count), shape)
    maps = np.arange(len(views), dtype=np.float32)[:, None, None] * np.ones((1, 3, 3), np.float32)
    relevance, affine = compose(maps, Cells((1.0, 1.0), (3.0, 3.0)), given(shape, views))
    for n, view in enumerate(views):
        assert (np.take(relevance, n, axis=axis) == n).all()
        index = [0, 0, 0]
        index[axis] = n
        prepared = geometry.apply_affine(np.linalg.inv(AFFINE) @ affine, index)
        assert prepared[axis] == pytest.approx(view.start[axis])
        assert np.delete(prepared, axis).tolist() == pytest.approx([1.0, 1.0])


def test_uneven_slices_stand_for_the_prepared_slices_nearest_to_them():
    views = [View((0, 0, k), (4, 4, 1)) for k in (0, 1, 5)]
    maps = np.array([1.0, 2.0, 3.0], np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    relevance, affine = compose(maps, Cells((0.5, 0.5), (2.0, 2.0)), given((4, 4, 7), views))
    assert relevance[0, 0].tolist() == [1, 2, 2, 2, 3, 3, 3]
    prepared = geometry.apply_affine(np.linalg.inv(AFFINE) @ affine, (0, 0, 4))
    assert prepared.tolist() == pytest.approx([0.5, 0.5, 4.0])


def test_patches_put_a_hot_cell_where_it_is():
    shape = (20, 8, 8)
    views = find_views(PatchesView(size=(8, 8, 8), overlap=0.25), shape)
    maps = np.zeros((len(views), 4, 4, 4), np.float32)
    maps[1, 2, 1, 3] = 1.0
    relevance, affine = compose(maps, Cells((0.5,) * 3, (2.0,) * 3), given(shape, views))
    expected = np.array([views[1].start[0] + 4.5, 2.5, 6.5])
    hottest = np.unravel_index(relevance.argmax(), relevance.shape)
    found = geometry.apply_affine(np.linalg.inv(AFFINE) @ affine, hottest)
    assert np.abs(found - expected).max() <= 1.0  # half a cell: patches need not begin on the lattice
    assert relevance.shape == (10, 4, 4)


def test_one_patch_over_the_whole_grid_equals_the_whole_view():
    shape = (8, 8, 8)
    maps = np.random.default_rng(0).random((1, 4, 4, 4)).astype(np.float32)
    cells = Cells((0.5,) * 3, (2.0,) * 3)
    whole = compose(maps, cells, given(shape))
    patch = compose(maps, cells, given(shape, [View((0, 0, 0), shape)]))
    assert np.array_equal(whole[0], patch[0])
    assert np.allclose(whole[1], patch[1])


def test_where_patches_overlap_the_larger_value_stands():
    views = [View((0, 0, 0), (4, 4, 4)), View((2, 0, 0), (4, 4, 4))]
    maps = np.stack([np.full((4, 4, 4), v, np.float32) for v in (1.0, 2.0)])
    relevance, _ = compose(maps, Cells((0.0,) * 3, (1.0,) * 3), given((6, 4, 4), views))
    assert relevance[:, 0, 0].tolist() == [1, 1, 2, 2, 2, 2]
