"""The reading page, without its canvas."""

from __future__ import annotations

import shutil

import pytest

from app import state
from medres.results.disclaimer import DISCLAIMER
from medres.review.key_images import KeyImage
from medres.review.worklist import open_worklist
from tests.app.conftest import words
from tests.phantoms_dicom import save_ct
from tests.results_folder import build_results


def press(test, label):
    next(button for button in test.button if button.label == label).click().run()


@pytest.fixture
def items(results):
    return open_worklist(results).items


def test_an_answered_study_shows_its_score_card(start, results, items):
    test = start(results, page="reading", open=items[0].key, scores_shown=True)
    assert not test.exception
    assert test.metric[0].value == "0.998"
    told = words(test)
    for fact in ("Positive", "operating point", "100% of the scan", "synthetic phantoms", "Regions of the heatmap"):
        assert fact in told
    assert "Among validation scans it is above 4 of 4 without tumour" in told


def test_a_model_that_changed_since_it_scored_is_said_to_give_no_heatmap(start, own_results, items):
    shutil.rmtree(own_results.parent / "model")
    assert "No heatmap: the model that gave this score" in words(
        start(own_results, page="reading", open=items[0].key, scores_shown=True)
    )


def test_a_damaged_model_is_named_and_the_scan_and_its_score_stay_on_the_page(start, own_results, items):
    weights = own_results.parent / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    test = start(own_results, page="reading", open=items[0].key, scores_shown=True)
    assert not test.exception
    assert test.metric[0].value == "0.998"
    assert "E_MODEL" in words(test)


def test_the_report_holds_readings_opinion_and_key_images_and_its_buttons_stand_on_the_page(start, own_results, items):
    test = start(own_results, page="reading", open=items[0].key, scores_shown=True)
    labels = [button.label for button in test.get("download_button")]
    assert labels == ["Report (HTML)", "Report (PDF)"]
    test.button_group[0].set_value("positive")
    press(test, "Record final reading")
    state.keep_key_image(items[0], KeyImage(items[0].key, "axial", 3, 40.0, 400.0, "", ("length 12.4 mm",)))
    page = state.reading_page(state.reading_report(state.study(items[0]))).decode()
    assert page.count(DISCLAIMER) >= 3  # above, below, and for each picture
    for fact in ("positive", "Axial, slice 4", "length 12.4 mm"):
        assert fact in page


def test_the_opinion_is_hidden_until_the_first_reading_is_recorded(start, own_results, items):
    test = start(own_results, page="reading", open=items[0].key)
    assert not test.metric
    assert "Regions of the heatmap" not in words(test)
    press(test, "Record first reading")
    assert "Choose positive, negative or unsure first" in words(test)
    test.button_group[0].set_value("negative")
    press(test, "Record first reading")
    assert test.metric[0].value == "0.998"
    assert [entry.kind for entry in state.review_store().entries()] == ["first_reading", "revealed"]


def test_the_opinion_can_be_shown_without_a_reading_and_the_trail_says_so(start, own_results, items):
    test = start(own_results, page="reading", open=items[0].key)
    press(test, "Show the opinion without a reading")
    assert test.metric
    assert [dict(entry.body) for entry in state.review_store().entries()] == [{"before_reading": True}]


def test_a_final_reading_is_written_at_once_with_agreement_and_mark(start, own_results, items):
    test = start(own_results, page="reading", open=items[0].key, scores_shown=True, mark=[1.0, -2.0, 3.0])
    test.button_group[0].set_value("positive")
    test.button_group[2].set_value("disagree")
    press(test, "Record final reading")
    assert not test.exception
    kept = state.progress(items[0]).final
    assert (kept.finding, kept.agreement, kept.mark_mm) == ("positive", "disagree", (1.0, -2.0, 3.0))
    assert state.progress(items[0]).standing == "discordant"
    assert "Final: positive, confidence 3, disagrees" in words(test)


def test_a_study_out_of_scope_shows_the_reason_and_no_probability(start, results, items):
    test = start(results, page="reading", open=items[3].key)
    assert not test.exception
    assert not test.metric
    assert "No probability is given" in words(test)
    assert "standard deviation" in words(test)


def test_a_refused_key_and_no_key_lead_to_the_worklist(start, results):
    assert "Choose one in the worklist" in words(start(results, page="reading"))
    assert "Choose one in the worklist" in words(start(results, page="reading", open="no-such-series"))


def test_scans_without_a_model_are_shown_without_an_opinion(start, results):
    scans = results.parent / "scans"
    key = open_worklist(scans).items[0].key
    test = start(scans, page="reading", open=key)
    assert "No model has scored this study" in words(test)
    assert not test.metric


def test_a_scan_without_a_modality_is_shown_with_the_reason_why_it_has_no_score(start, results):
    scans = results.parent / "scans"
    key = open_worklist(scans).items[0].key
    test = start(scans, results.parent / "model", page="reading", open=key)
    assert not test.exception
    assert "E_NO_MODALITY" in words(test)
    assert not test.metric


def test_dicom_scans_are_scored_as_they_are_opened_where_a_model_is_given(start, results, tmp_path):
    save_ct(tmp_path / "scans")
    key = open_worklist(tmp_path / "scans").items[0].key
    test = start(tmp_path / "scans", results.parent / "model", page="reading", open=key)
    assert not test.exception
    assert "tiny 1" in words(test)


def test_a_missing_scan_is_one_sentence_without_its_path(start, tmp_path):
    results = build_results(tmp_path)
    item = open_worklist(results).items[0]
    (tmp_path / "scans" / item.row.relative_path).unlink()
    test = start(results, page="reading", open=item.key)
    assert not test.exception
    assert test.error[0].value.startswith("E_NOT_FOUND")
    assert str(tmp_path) not in words(test)


def test_neighbours_follow_the_worklist(start, results, items, monkeypatch):
    start(results)
    assert state.neighbour(items[1], -1).key == items[0].key
    assert state.neighbour(items[1], 1).key == items[2].key
    assert state.neighbour(items[0], -1) is None
