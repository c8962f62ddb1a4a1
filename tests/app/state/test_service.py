"""What the dashboard, the data page and the model page ask for."""

from __future__ import annotations

import pytest
import streamlit as st

from app import state
from medres.review.decisions import Reading


@pytest.fixture
def listed(start, own_results):
    start(own_results)
    st.session_state.clear()
    return state.worklist()


def test_each_model_is_counted_and_loaded_under_a_name_that_tells_it_apart(listed):
    ((digest, (name, seen)),) = state.overviews().items()
    assert (name, seen.scans) == (listed.models[digest], 5)
    (label,) = state.loaded_models()
    assert label == f"{name} ({digest[:8]})"
    assert state.overviews(days=7)[digest][1].scans == 5


def test_agreement_is_told_once_somebody_finished_a_study(listed):
    assert state.agreement() is None
    opened = state.study(listed.items[0])
    state.record(opened, Reading("first", "positive", 4, seconds=3.0), opened.item.opinion)
    assert state.agreement() is None
    state.record(opened, Reading("final", "positive", 4, "agree", seconds=9.0), opened.item.opinion)
    (reader,) = state.agreement()["readers"]
    assert reader == "local"
    assert state.trail_head().count == 3
