import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from medres import geometry
from medres.explain.heatmap import Heatmap

SEEN = (np.diag([2.0, 2.0, 2.0, 1.0]), (32, 32, 32))


def make(relevance, affine=None, **changes):
    native = np.asarray(relevance, np.float32)
    affine = np.diag([16.0, 16.0, 16.0, 1.0]) if affine is None else affine
    fields = dict(label="tumour", layer="layer4", method="Grad-CAM", scale=1.0, threshold=0.5)
    fields |= dict(scale_source="explanation.json", seen_affine=SEEN[0], seen_shape=SEEN[1]) | changes
    return Heatmap(native, affine, **fields)


def random_map(seed=0):
    return make(np.random.default_rng(seed).random((4, 4, 4)))


def test_hottest_point_is_the_centre_of_the_hottest_cell():
    relevance = np.zeros((4, 4, 4))
    relevance[1, 2, 3] = 1
    assert make(relevance).hottest_mm.tolist() == [16.0, 32.0, 48.0]
    assert make(relevance).cell_mm == (16.0, 16.0, 16.0)


def test_resampling_equals_an_independent_trilinear_one_between_cell_centres():
    heatmap = random_map()
    axis = np.arange(4) * 16.0
    other = RegularGridInterpolator((axis, axis, axis), heatmap.relevance)
    points = np.random.default_rng(1).uniform(0, 48, (200, 3))
    assert np.allclose(heatmap.at_mm(points), other(points), atol=1e-6)


def test_resampling_onto_its_own_grid_changes_nothing():
    heatmap = random_map()
    assert np.allclose(heatmap.on_grid(heatmap.affine, heatmap.relevance.shape), heatmap.relevance, atol=1e-6)


def test_a_turned_grid_sees_the_same_values_at_the_same_places():
    heatmap = random_map()
    turned = geometry.reoriented_affine(SEEN[0], SEEN[1], (2, 0, 1), (True, False, True))
    straight = heatmap.on_grid(*SEEN)
    again = np.flip(np.transpose(straight, (2, 0, 1)), (0, 2))
    assert np.allclose(heatmap.on_grid(turned, (32, 32, 32)), again, atol=1e-6)


def test_nothing_is_known_outside_what_the_network_was_shown():
    heatmap = make(np.ones((4, 4, 4)))
    inside, outside = [[-1.0, 0, 0], [63.0, 0, 0]], [[-1.1, 0, 0], [63.1, 0, 0]]
    assert heatmap.at_mm(inside).tolist() == [1.0, 1.0]
    assert heatmap.at_mm(outside).tolist() == [0.0, 0.0]


def test_native_cells_on_request():
    relevance = np.zeros((4, 4, 4))
    relevance[1, 1, 1] = 1
    assert make(relevance).at_mm([[23.0, 16, 16], [25.0, 16, 16]], cells=True).tolist() == [1.0, 0.0]


def test_regions_are_listed_hottest_first_with_place_and_volume():
    relevance = np.zeros((4, 4, 4))
    relevance[1, 1, 1], relevance[2, 1, 1], relevance[1, 3, 3] = 0.6, 0.6, 0.9
    first, second = make(relevance).regions()
    assert first.maximum == pytest.approx(0.9)
    assert first.maximum_mm == (16.0, 48.0, 48.0)
    assert second.centroid_mm == pytest.approx((24.0, 16.0, 16.0))
    assert second.volume_mm3 == pytest.approx(2 * 16**3)


def test_a_regions_volume_counts_only_what_the_network_was_shown():
    relevance = np.zeros((4, 4, 4))
    relevance[0, 1, 1] = 1  # this cell reaches from -8 to 8 mm; what was seen starts at -1 mm
    assert make(relevance).regions()[0].volume_mm3 == pytest.approx(9 * 16 * 16)


def test_cells_that_touch_by_a_corner_are_two_regions():
    relevance = np.zeros((4, 4, 4))
    relevance[0, 0, 0] = relevance[1, 1, 1] = 1
    assert len(make(relevance).regions()) == 2


def test_no_region_in_a_cold_map_even_at_threshold_zero():
    assert make(np.zeros((4, 4, 4))).regions(0.0) == []
