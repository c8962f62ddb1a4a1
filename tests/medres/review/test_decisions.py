"""Readings and where each study stands."""

from __future__ import annotations

import pytest

from medres.errors import StoreError
from medres.io.privacy import SiteKey
from medres.review.decisions import Progress, Reading, progress_of, reading_of, record_reading, record_reveal
from medres.review.opinion import Opinion
from medres.review.store import ReviewStore

SAID = Opinion("positive", 0.9, "tumour", 0.5, "balanced", 1.0, (), "", "m", "1", "d" * 64)


@pytest.fixture
def store(tmp_path):
    opened = ReviewStore(tmp_path / "review.sqlite", SiteKey(b"k" * 32))
    yield opened
    opened.close()


def test_a_reading_comes_back_as_it_was(store):
    reading = Reading("final", "negative", 4, "disagree", (1.5, -2.0, 3.0), "near the vessel", 12.5)
    entry = record_reading(store, "local", "s-1", reading, said=SAID, scan_digest="f" * 64)
    assert reading_of(next(store.entries())) == reading
    assert entry.body["model"]["probability"] == 0.9
    assert entry.body["scan_digest"] == "f" * 64


def test_an_ellipse_about_a_finding_comes_back_with_its_plane(store):
    reading = Reading("final", "positive", 4, mark_mm=(1.0, 2.0, 3.0), mark_plane="axial", mark_axes_mm=(6.0, 4.5))
    record_reading(store, "local", "s-1", reading)
    assert reading_of(next(store.entries())) == reading


def test_a_study_stands_as_new_begun_read_or_discordant(store):
    def standing() -> str:
        return progress_of(store.entries()).get("s-1", {}).get("local", Progress()).standing

    assert standing() == "new"
    record_reading(store, "local", "s-1", Reading("first", "negative", 3), said=SAID)
    assert standing() == "begun"
    record_reading(store, "local", "s-1", Reading("final", "positive", 3, "agree"), said=SAID)
    assert standing() == "read"
    record_reading(store, "local", "s-1", Reading("final", "negative", 3, "disagree"), said=SAID)
    assert standing() == "discordant"
    assert store.head().count == 3  # the older readings stay


def test_readers_do_not_share_their_progress(store):
    record_reveal(store, "a", "s-1", before_reading=True)
    found = progress_of(store.entries())["s-1"]
    assert found["a"].revealed
    assert "b" not in found


@pytest.mark.parametrize(
    "wrong", [{"finding": "maybe"}, {"confidence": 0}, {"confidence": 6}, {"stage": "third"}, {"agreement": "yes"}]
)
def test_reject_readings_that_no_form_gives(wrong):
    with pytest.raises(StoreError, match="E_USAGE"):
        Reading(**{"stage": "final", "finding": "positive", "confidence": 3, **wrong})


def test_reject_a_note_that_is_too_long():
    with pytest.raises(StoreError, match="2000 characters"):
        Reading("final", "positive", 3, note="x" * 2001)
