"""The viewer as a whole, without a browser."""

from __future__ import annotations

from app import state
from app.settings import OPINION_VARIABLE
from medres.results.disclaimer import DISCLAIMER


def test_the_viewer_opens_on_the_worklist_without_a_fault(start, results):
    test = start(results)
    assert not test.exception
    assert len(test.dataframe) == 1


def test_the_research_use_line_stands_on_the_worklist(start, results):
    test = start(results)
    assert any(DISCLAIMER in str(element.proto.body) for element in test.get("html"))


def test_a_viewer_that_shows_opinions_from_the_start_leaves_that_in_the_trail_once(start, own_results, monkeypatch):
    monkeypatch.setenv(OPINION_VARIABLE, "shown")
    test = start(own_results)
    test.run()
    told = [dict(entry.body) for entry in state.review_store().entries(kinds=("policy",))]
    assert told == [{"scores_shown_before_first_reading": True, "by": "start"}]
    assert test.dataframe[0].value["Probability"].notna().any()
