"""An ensemble on the pages: said to be one wherever its answer or its numbers stand."""

from __future__ import annotations

import pytest

from app import state
from tests.app.conftest import words
from tests.app.ensemble_results import build_ensemble_results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return build_ensemble_results(tmp_path_factory.mktemp("ensemble"))


def test_the_model_page_names_the_members_and_whose_scores_chose_the_points(start, results):
    test = start(results, page="models")
    assert not test.exception
    told = words(test)
    for fact in ("the mean of 3 members: 2 × resnet10, 3D; 1 × resnet10, 2D", "Chosen on scores of one member each"):
        assert fact in told
    assert "each scored by one member that it did not train" in told
    assert "none of them trained the model" not in told


def test_the_opinion_says_that_it_is_a_mean_and_the_heatmap_of_which_members(start, results):
    start(results)
    item = next(one for one in state.worklist().items if one.opinion and one.opinion.probability is not None)
    test = start(results, page="reading", open=item.key, scores_shown=True)
    assert not test.exception
    assert "trio 1.0, the mean of 3 members" in words(test)
    assert "Those were scored by one member each." in words(test)
    opened = state.study(item)
    made = state.make_heatmap(opened, state.opinions(opened)[0])
    assert made.method == "Grad-CAM, mean of 2 of 3 members"
