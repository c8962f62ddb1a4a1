"""Ledger rows and predictions -> the same opinion."""

from __future__ import annotations

from medres.classifier import load_classifier
from medres.ledger import LedgerRow
from medres.review.opinion import opinion_of_prediction, opinion_of_row, warning_words
from tests.tiny_models import PLACES_MM, ct_volume, tiny_ct_model


def test_a_fresh_prediction_gives_an_opinion_with_its_operating_point(tmp_path):
    classifier = load_classifier(tiny_ct_model(tmp_path / "model"))
    said = opinion_of_prediction(classifier.predict(ct_volume(0, PLACES_MM[0])))
    assert said.decision == "positive"
    assert said.operating_point == "balanced"
    assert said.model == "tiny 1.0"
    assert said.synthetic


def test_an_out_of_scope_row_has_a_reason_and_no_probability():
    row = LedgerRow(
        "s", "m", "c", "out_of_scope", decision="out_of_scope", message="the scan is MR, this model is for CT"
    )
    said = opinion_of_row(row)
    assert said.probability is None
    assert said.reason == "the scan is MR, this model is for CT"


def test_warnings_are_said_in_words_and_unknown_codes_stay():
    words = warning_words(("W_LOSSY", "W_OF_A_LATER_VERSION"))
    assert words == ["The pixels went through lossy compression (W_LOSSY)", "W_OF_A_LATER_VERSION"]
