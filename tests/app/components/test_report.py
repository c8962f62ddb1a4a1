"""The report's two buttons: the PDF one is off, with its reason, where nothing prints."""

from __future__ import annotations

import pytest

from app import state
from medres.review.worklist import open_worklist


@pytest.mark.parametrize("prints", [True, False])
def test_pdf_is_offered_only_where_it_can_be_printed(start, results, monkeypatch, prints):
    monkeypatch.setattr(state, "prints", lambda: prints)
    test = start(results, page="reading", open=open_worklist(results).items[0].key)
    page, printed = test.get("download_button")
    assert (page.label, printed.label) == ("Report (HTML)", "Report (PDF)")
    assert printed.proto.disabled is not prints
    assert ("Chromium" in printed.proto.help) is not prints
    assert not page.proto.disabled
