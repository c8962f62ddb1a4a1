"""Views cover what they say they cover, and land in the tensor where they say they land."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medres.preprocessing.spec import PatchesView, SlicesView, WholeView
from medres.preprocessing.views import cut_views, find_views, lay_box, patch_starts, seen_along
from tests.small import spec_2d, spec_3d


@given(
    size=st.tuples(*[st.integers(1, 6)] * 3),
    more=st.tuples(*[st.integers(0, 9)] * 3),
    overlap=st.floats(0, 0.9),
)
def test_patches_cover_every_voxel_and_never_leave_the_grid(size, more, overlap):
    shape = tuple(a + b for a, b in zip(size, more, strict=True))
    count = np.zeros(shape, int)
    for view in find_views(PatchesView(size=size, overlap=overlap), shape):
        assert all(s >= 0 and s + n <= m for s, n, m in zip(view.start, view.size, shape, strict=True))
        count[tuple(slice(s, s + n) for s, n in zip(view.start, view.size, strict=True))] += 1
    assert count.min() >= 1


@given(st.integers(1, 200), st.integers(1, 50), st.floats(0, 0.9))
def test_neighbouring_patches_overlap_at_least_as_asked(more, size, overlap):
    starts = patch_starts(size + more, size, overlap)
    assert starts[0] == 0
    assert starts[-1] == more
    assert max(np.diff(starts)) <= max(1, int(size * (1 - overlap)))


def test_no_slice_is_left_out_when_no_count_is_given():
    views = find_views(SlicesView(axis=1), (4, 7, 3))
    assert [view.start for view in views] == [(0, n, 0) for n in range(7)]
    assert {view.size for view in views} == {(4, 1, 3)}


@pytest.mark.parametrize(("count", "length", "want"), [(3, 9, [1, 4, 7]), (1, 9, [4]), (5, 3, [0, 1, 2])])
def test_slices_stand_in_the_middle_of_equal_parts(count, length, want):
    views = find_views(SlicesView(axis=2, count=count), (2, 2, length))
    assert [view.start[2] for view in views] == want


def test_a_whole_grid_has_no_views_and_is_all_seen():
    assert find_views(WholeView(), (2, 3, 4)) == ()
    assert all(seen.all() for seen in seen_along((), (2, 3, 4)))


def test_slices_tell_which_planes_were_seen():
    views = find_views(SlicesView(axis=0, count=2), (6, 3, 3))
    seen = seen_along(views, (6, 3, 3))
    assert np.flatnonzero(seen[0]).tolist() == [1, 4]
    assert seen[1].all()
    assert seen[2].all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_2d_tensor_is_rows_by_columns_of_its_plane(axis):
    grid = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)  # (C, i, j, k)
    spec = spec_2d(size=(8, 8, 8), views=SlicesView(axis=axis))
    views = find_views(spec.views, (2, 3, 4))
    tensor = cut_views(grid, views, spec).numpy()  # (V, C, rows, columns)
    columns, rows = (n for n in range(3) if n != axis)
    assert tensor.shape == ((2, 3, 4)[axis], 1, (2, 3, 4)[rows], (2, 3, 4)[columns])
    for place, view in enumerate(views):
        plane = np.take(grid[0], view.start[axis], axis=axis)  # (first other axis, second other axis)
        assert np.array_equal(tensor[place, 0], plane.T)


def test_a_picture_becomes_rows_by_columns():
    grid = np.arange(6, dtype=np.float32).reshape(1, 3, 2, 1)  # 3 columns i, 2 rows j
    tensor = cut_views(grid, (), spec_2d()).numpy()
    assert tensor.tolist() == [[[0, 2, 4], [1, 3, 5]]]


def test_patches_of_the_tensor_are_the_boxes_their_views_name():
    grid = np.random.default_rng(0).normal(size=(2, 5, 6, 7)).astype(np.float32)
    spec = spec_3d(size=None, views=PatchesView(size=(3, 3, 4), overlap=0.5), channels=("a", "b"))
    views = find_views(spec.views, (5, 6, 7))
    tensor = cut_views(grid, views, spec).numpy()
    for place, view in enumerate(views):
        box = tuple(slice(s, s + n) for s, n in zip(view.start, view.size, strict=True))
        assert np.array_equal(tensor[place], grid[(slice(None), *box)])


@given(place=st.tuples(*[st.floats(-20, 40)] * 3), size=st.tuples(*[st.integers(1, 6)] * 3))
def test_a_box_about_a_place_stays_inside_and_holds_every_place_that_the_grid_holds(place, size):
    shape = (20, 12, 6)
    box = lay_box(place, size, shape)
    inside = np.clip(place, -0.5, np.array(shape) - 0.5)
    first, last = np.array(box.start), np.array(box.start) + size - 1
    assert (first >= 0).all()
    assert (last < shape).all()
    assert ((inside >= first - 0.5) & (inside <= last + 0.5)).all()
