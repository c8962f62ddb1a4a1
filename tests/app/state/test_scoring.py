"""Uploads are scored behind the page, with progress, and what is refused is said."""

from __future__ import annotations

import time

from app import state
from app.components.upload import progress_words
from app.state.scoring import ScoringJob, _score
from medres.scoring.batch import ScoringOptions
from tests.app.conftest import words
from tests.app.screens.test_worklist import upload

PATIENCE = 120  # seconds


def test_an_upload_is_scored_and_its_refusals_are_said(start, results):
    test = start(results)
    files = [(f"Doe^Jane/{name}", (results.parent / "scans" / name).read_bytes()) for name in ("a.nii.gz", "e.nii")]
    test.file_uploader[0].set_value([(name, content, "application/octet-stream") for name, content in files])
    test.selectbox(key="modality-files").set_value("CT")
    model = next(name for name in test.selectbox(key="model-files").options if name != "no model")
    test.selectbox(key="model-files").set_value(model)
    next(button for button in test.button if button.label == "Open these scans").click().run()
    assert not test.exception
    job = test.session_state["job"]
    assert job.model == model == "tiny 1.0"
    ends = time.monotonic() + PATIENCE
    while job.running and time.monotonic() < ends:
        time.sleep(0.2)
    test.run()
    assert not test.exception
    assert job.fault == ""
    told = words(test)
    assert "series" in " ".join(str(one.value) for one in test.success)
    assert test.dataframe[0].value["Decision"].tolist()[0] in ("After your first reading", "Positive", "Negative")
    assert "Doe" not in told


def test_a_model_that_cannot_be_used_is_one_sentence(start, results, tmp_path):
    test = start(results)
    upload(test, "a.nii.gz", (results.parent / "scans" / "a.nii.gz").read_bytes(), "CT")
    job = ScoringJob()
    place = test.session_state["uploaded"]
    _score(job, place.scans, tmp_path / "no model", place.results, ScoringOptions(modality="CT"))
    assert job.fault.startswith("E_MODEL")
    assert not job.running
    assert str(tmp_path) not in job.fault


def test_progress_is_said_in_words():
    job = ScoringJob()
    assert progress_words(job) == "Looking for series and loading the model ..."
    job.advance(0, 12, "")
    assert progress_words(job) == "Scoring: series 1 of 12"
    job.advance(3, 12, "ok")
    job._first -= 40.0
    assert progress_words(job) == "Scoring: series 4 of 12, about 2 min left"
    assert state.ScoringJob is ScoringJob
