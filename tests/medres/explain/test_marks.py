"""Regions of a heatmap held against a segmentation: hits, false marks, the hottest cell, the chance of a blind one."""

import numpy as np

from medres.explain.checks import Lesion
from medres.explain.heatmap import Heatmap
from medres.explain.marks import LEAST_RADIUS_MM, mark_places, mark_scan

CELL = 4  # voxels along each side of a native cell of these maps


def heat(relevance, threshold=1.0, scale=2.0) -> Heatmap:
    """A map whose cells are 4 x 4 voxels of 1 mm, on a picture of 16 x 16."""
    affine = np.diag([CELL, CELL, 1.0, 1.0])
    affine[:2, 3] = (CELL - 1) / 2
    seen = (relevance.shape[0] * CELL, relevance.shape[1] * CELL, 1)
    return Heatmap(
        relevance[..., None].astype(np.float32), affine, "ill", "layer4", "m", scale, threshold, "s", np.eye(4), seen
    )


def slow_hit(cell, inside) -> bool:
    """Look through every voxel of a cell."""
    i, j = cell
    return any(inside[CELL * i + a, CELL * j + b, 0] for a in range(CELL) for b in range(CELL))


def test_a_region_hits_where_its_hottest_cell_holds_a_voxel_of_the_lesion():
    relevance = np.zeros((4, 4))
    relevance[1, 2], relevance[3, 0] = 2.0, 1.5
    inside = np.zeros((16, 16, 1), bool)
    inside[7, 8, 0] = True  # the last voxel of cell (1, 2) along i, the first along j
    found = mark_scan(heat(relevance), inside, np.eye(4), scan="one", patient="p", weight=0.5)
    assert [(mark.score, mark.lesion) for mark in found.marks] == [(0.5, "1"), (0.375, "")]
    assert (found.lesions, found.is_hit, found.chance) == (1, True, 1 / 16)


def test_hits_and_chance_equal_a_look_through_every_voxel():
    rng = np.random.default_rng(3)
    for _ in range(20):
        relevance, inside = rng.random((4, 4)), rng.random((16, 16, 1)) > 0.97
        found = mark_scan(heat(relevance, 0.7), inside, np.eye(4), scan="one")
        cells = [(i, j) for i in range(4) for j in range(4)]
        assert found.chance == sum(slow_hit(cell, inside) for cell in cells) / 16
        assert found.is_hit == slow_hit(np.unravel_index(relevance.argmax(), (4, 4)), inside)


def test_a_scan_without_a_lesion_has_false_marks_alone():
    found = mark_scan(heat(np.full((4, 4), 1.5)), np.zeros((16, 16, 1), bool), np.eye(4), scan="one")
    assert [mark.lesion for mark in found.marks] == [""]
    assert (found.lesions, found.is_hit, found.chance) == (0, None, None)


def test_a_cold_map_marks_nothing_and_misses_every_lesion():
    inside = np.zeros((16, 16, 1), bool)
    inside[0, 0, 0] = inside[15, 15, 0] = True
    found = mark_scan(heat(np.zeros((4, 4))), inside, np.eye(4), scan="one")
    assert (found.marks, found.lesions) == ((), 2)


def test_voxels_that_touch_by_a_corner_are_one_lesion():
    inside = np.zeros((16, 16, 1), bool)
    inside[3, 3, 0] = inside[4, 4, 0] = True
    assert mark_scan(heat(np.ones((4, 4))), inside, np.eye(4), scan="one").lesions == 1


def test_a_lesion_that_the_network_was_never_shown_can_only_be_missed():
    inside = np.zeros((40, 16, 1), bool)
    inside[30, 0, 0] = True
    found = mark_scan(heat(np.ones((4, 4))), inside, np.eye(4), scan="one")
    assert (found.lesions, found.is_hit, found.chance) == (1, False, 0.0)
    assert [mark.lesion for mark in found.marks] == [""]


def test_a_segmentation_on_another_grid_is_matched_in_mm():
    relevance = np.zeros((4, 4))
    relevance[2, 1] = 2.0
    inside = np.zeros((8, 8, 1), bool)
    inside[4, 2, 0] = True  # 2 mm voxels: (8.5, 4.5) mm lies in cell (2, 1)
    affine = np.diag([2.0, 2.0, 1.0, 1.0])
    affine[:2, 3] = 0.5
    assert mark_scan(heat(relevance), inside, affine, scan="one").marks[0].lesion == "1"


def test_a_place_hits_within_the_radius_and_a_small_lesion_within_three_millimetres():
    lesions = [Lesion((0.0, 0.0, 0.0), 10.0), Lesion((50.0, 0.0, 0.0), 1.0)]
    places = [(50.0, 2.9, 0.0), (9.0, 0.0, 0.0), (50.0, 0.0, 3.1), (0.0, 10.5, 0.0)]
    found = mark_places(places, [0.9, 0.8, 0.7, 0.6], lesions, 1e6, scan="one", patient="p")
    assert [mark.lesion for mark in found.marks] == ["2", "1", "", ""]
    assert (found.lesions, found.is_hit) == (2, True)
    assert np.isclose(found.chance, 4 / 3 * np.pi * (1000 + LEAST_RADIUS_MM**3) / 1e6)


def test_a_lesion_without_any_place_is_missed_and_a_scan_without_lesion_has_false_marks_alone():
    assert mark_places([], [], [Lesion((0.0, 0.0, 0.0))], 1e6, scan="one").is_hit is False
    healthy = mark_places([(1.0, 1.0, 1.0)], [0.4], [], 1e6, scan="two")
    assert (healthy.lesions, healthy.is_hit, [mark.lesion for mark in healthy.marks]) == (0, None, [""])
