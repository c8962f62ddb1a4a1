"""What goes into a report is what this reader may see."""

from __future__ import annotations

import pytest
import streamlit as st

from app import state
from medres.errors import IntakeError
from medres.review.key_images import KeyImage


@pytest.fixture
def opened(start, own_results):
    start(own_results)
    st.session_state.clear()
    return state.study(state.worklist().items[0])


def test_an_opinion_that_waits_for_the_first_reading_is_not_in_the_report(opened):
    report = state.reading_report(opened)
    assert (report.hidden, report.opinions, dict(report.heatmaps), report.reader) == (True, (), {}, "")
    assert b"0.998" not in state.reading_page(report)
    state.reveal(opened.item)
    shown = state.reading_report(opened)
    assert not shown.hidden
    assert shown.opinions[0].probability is not None
    assert b"0.998" in state.reading_page(shown)


def test_a_key_image_of_a_series_that_is_gone_is_one_sentence(opened):
    state.keep_key_image(opened.item, KeyImage("another", "axial", 3, 40.0, 400.0))
    with pytest.raises(IntakeError, match=r"E_NOT_FOUND.*remove the key image"):
        state.reading_report(opened)
