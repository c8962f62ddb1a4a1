"""The worklist page."""

from __future__ import annotations

import sqlite3

from app import state
from app.settings import OPINION_VARIABLE
from tests.app.conftest import words


def test_the_worklist_shows_scores_decisions_and_reasons_sorted_by_suspicion(start, results):
    test = start(results, scores_shown=True)
    assert not test.exception
    table = test.dataframe[0].value
    assert table["Probability"].dropna().is_monotonic_decreasing
    assert table["Decision"].tolist() == ["Positive", "Positive", "Negative", "No answer", "No answer"]
    assert "E_SCOPE_INTENSITY" in table["Warnings"].tolist()[3]


def test_scores_wait_for_the_first_reading_and_the_switch_that_shows_them_is_kept(start, own_results):
    test = start(own_results)
    assert test.dataframe[0].value["Probability"].isna().all()
    assert test.dataframe[0].value["Decision"].tolist()[0] == "After your first reading"
    test.toggle(key="show_scores").set_value(True).run()
    assert test.dataframe[0].value["Probability"].notna().sum() == 3
    assert [entry.kind for entry in state.review_store().entries()] == ["policy"]


def test_no_score_is_shown_as_a_certainty(start, own_results):
    with sqlite3.connect(own_results / "ledger.sqlite") as base:
        base.execute("UPDATE series SET probability = 0.99999 WHERE decision = 'positive'")
        base.execute("UPDATE series SET probability = 0.00001 WHERE decision = 'negative'")
    shown = start(own_results, scores_shown=True).dataframe[0].value["Probability"].tolist()
    assert shown[:3] == [0.999, 0.999, 0.001]


def test_where_the_opinion_is_locked_nothing_shows_it_before_a_reading(start, own_results, monkeypatch):
    monkeypatch.setenv(OPINION_VARIABLE, "locked")
    test = start(own_results, scores_shown=True)
    assert not test.exception
    assert test.dataframe[0].value["Probability"].isna().all()
    assert not test.toggle
    keys = test.dataframe[0].value["Study"].tolist()
    assert keys[:4] == sorted(keys[:4])  # all were scored at once; what cannot be read comes last
    reading = start(own_results, page="reading", open=keys[0], scores_shown=True)
    assert "Your first reading" in words(reading)
    assert not [one for one in reading.button if "without a reading" in one.label]


def test_search_and_status_narrow_the_list(start, results):
    test = start(results)
    test.text_input(key="search").set_value("e_scope").run()
    assert test.dataframe[0].value["Status"].tolist() == ["out of scope"]
    test.text_input(key="search").set_value("no such thing").run()
    assert len(test.dataframe[0].value) == 0
    assert test.button[0].disabled


def test_the_first_study_opens_with_one_button(start, results):
    test = start(results)
    test.button[0].click().run()
    assert not test.exception
    assert test.session_state["open"]


def test_without_a_folder_the_page_says_how_to_get_one(start):
    test = start()
    assert "medres view FOLDER" in words(test)


def test_a_folder_that_is_gone_is_one_sentence(start, tmp_path):
    test = start(tmp_path / "gone")
    assert not test.exception
    assert test.error[0].value.startswith("E_NOT_FOUND")
    assert str(tmp_path) not in words(test)


def test_an_upload_becomes_this_sessions_worklist_and_leads_back(start, results):
    test = start(results, results.parent / "model")
    content = (results.parent / "scans" / "a.nii.gz").read_bytes()
    upload(test, "../Doe^Jane.nii.gz", content, "CT")
    assert not test.exception
    assert test.dataframe[0].value["Modality"].tolist() == ["CT"]
    assert "Doe" not in words(test)
    next(button for button in test.button if button.label == "Back to the folder").click().run()
    assert len(test.dataframe[0].value) == 5


def test_an_upload_that_is_no_scan_is_refused_in_one_sentence(start, results):
    test = start(results)
    upload(test, "a.nii", b"MZ" + bytes(400), "")
    assert not test.exception
    assert "E_UPLOAD" in words(test)
    assert len(test.dataframe[0].value) == 5


def test_without_a_folder_scans_can_be_added(start, results):
    test = start()
    upload(test, "a.nii.gz", (results.parent / "scans" / "a.nii.gz").read_bytes(), "CT")
    assert len(test.dataframe[0].value) == 1


def upload(test, name: str, content: bytes, modality: str, model: str = "") -> None:
    test.file_uploader[0].set_value([(name, content, "application/octet-stream")])
    test.selectbox(key="modality-files").set_value(modality)
    test.selectbox(key="model-files").set_value(model)
    next(button for button in test.button if button.label == "Open these scans").click().run()
