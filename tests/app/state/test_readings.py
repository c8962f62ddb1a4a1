"""What this reader recorded, and what may be shown before it."""

from __future__ import annotations

import time
from contextlib import closing

from app import state
from app.state import readings
from medres.ledger import Ledger, LedgerRow
from medres.review.decisions import Progress, Reading
from medres.review.key_images import KeyImage
from medres.review.opinion import opinion_of_row

ROWS = 5000
PATIENCE = 20.0  # seconds; generous, for machines under load


def test_a_worklist_of_5000_rows_opens_in_seconds(start, tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger._base.execute("PRAGMA synchronous = OFF")
        for n in range(ROWS):
            row = LedgerRow(
                f"ct-{n}", "a" * 64, "b" * 64, "ok", modality="CT", decision="negative", probability=n / ROWS
            )
            ledger.record(row)
    began = time.monotonic()
    test = start(tmp_path, scores_shown=True)
    assert time.monotonic() - began < PATIENCE
    assert not test.exception
    assert len(test.dataframe[0].value) == ROWS
    assert test.dataframe[0].value["Study"].iloc[0] == f"ct-{ROWS - 1}"


def test_an_opinion_waits_only_where_it_gives_a_probability(monkeypatch):
    monkeypatch.setattr(readings, "scores_shown", lambda: False)
    answered = opinion_of_row(LedgerRow("s", "m", "c", "ok", decision="positive", probability=0.9))
    outside = opinion_of_row(LedgerRow("s", "m", "c", "out_of_scope", decision="out_of_scope"))
    read = Progress(first=Reading("first", "unsure", 1))
    assert state.is_hidden(answered, Progress())
    assert not state.is_hidden(answered, read)
    assert not state.is_hidden(answered, Progress(revealed=True))
    assert not state.is_hidden(outside, Progress())
    assert not state.is_hidden(None, Progress())


def test_key_images_are_kept_and_removed_for_this_reader(start, own_results):
    start(own_results)
    item = state.worklist().items[0]
    image = KeyImage(item.key, "axial", 12, 50.0, 400.0)
    state.keep_key_image(item, image)
    assert state.key_images(item) == (image,)
    state.remove_key_image(item, image.key)
    assert state.key_images(item) == ()
