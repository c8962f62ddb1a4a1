"""Probabilities as readers see them."""

from __future__ import annotations

import pytest

from medres.results.words import probability_words


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.001, "0.001"), (0.8824, "0.882"), (0.999, "0.999"), (1.0, "> 0.999")],
)
def test_no_probability_is_shown_as_a_certainty(probability, words):
    assert probability_words(probability) == words
