"""What each model said, and its heatmap."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st

from app import state
from app.state.models import model_of


@pytest.fixture
def opened(start, results):
    start(results)
    st.session_state.clear()
    return state.study(state.worklist().items[0])


def test_an_answer_by_a_model_that_is_here_can_be_explained_and_one_by_another_cannot(opened):
    said = state.opinions(opened)
    assert state.explainable(said) == said
    other = replace(said[0], model_digest="f" * 64)
    assert model_of(other) is None
    assert state.explainable((other,)) == ()
    assert state.standing_of(other) is None
    assert state.standing_of(said[0]).n_negative == 4


def test_heatmaps_are_made_once_for_each_model_that_was_asked(opened):
    said = state.opinions(opened)
    assert state.heatmaps_made(opened, said) == {}
    made = state.make_heatmap(opened, said[0])
    assert dict(state.heatmaps_made(opened, said)) == {said[0].model_digest: made}
