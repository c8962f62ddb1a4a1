"""The viewer as a whole, without a browser."""

from __future__ import annotations

from medres.results.disclaimer import DISCLAIMER


def test_the_viewer_opens_on_the_worklist_without_a_fault(start, results):
    test = start(results)
    assert not test.exception
    assert len(test.dataframe) == 1


def test_the_research_use_line_stands_on_the_worklist(start, results):
    test = start(results)
    assert any(DISCLAIMER in str(element.proto.body) for element in test.get("html"))
