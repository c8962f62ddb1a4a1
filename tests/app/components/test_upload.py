"""How far scores are, in words."""

from __future__ import annotations

import pytest

from app.components.upload import progress_words
from app.state.scoring import ScoringJob


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (40.2, ", about 40 s left"), (89.9, ", about 90 s left"), (180, ", about 3 min left")],
)
def test_progress_names_the_series_and_the_time_left_once_it_is_known(monkeypatch, seconds, words):
    monkeypatch.setattr(ScoringJob, "seconds_left", property(lambda _: seconds))
    assert progress_words(ScoringJob(done=2, total=12)) == f"Scoring: series 3 of 12{words}"


def test_progress_never_counts_beyond_the_last_series_and_says_what_comes_before_the_first():
    assert progress_words(ScoringJob(done=12, total=12)) == "Scoring: series 12 of 12"
    assert "Looking for series" in progress_words(ScoringJob())
