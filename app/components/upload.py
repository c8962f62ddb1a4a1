"""Where scans are added from the page and scored. Asks and draws only; medres decides what is taken."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import state
from app.components.page import plain
from medres.errors import MedresError
from medres.ledger import STATUSES

MODALITIES = ["", "CT", "MR", "US", "DX", "CR", "MG", "PT"]
UNKNOWN = "the files say it"
LOOK_SECONDS = 1.0  # how often the page asks how far the scores are
WORDS = {"ok": "scored", "warned": "scored with warnings", "refused": "refused", "out_of_scope": "out of scope"}
MOST_REFUSALS = 20


def draw_upload() -> None:
    """Draw the place for an upload, what becomes of one, and the way back from it."""
    if state.uploaded() is not None:
        _draw_uploaded()
    with st.expander("Add scans: DICOM files or a zip of them, NIfTI or pictures", icon=":material/upload_file:"):
        files, place = st.tabs(["Files", "A folder"])
        with files, st.form("upload", border=False, clear_on_submit=True):
            _ask(st.file_uploader("Files", accept_multiple_files=True), "files")
        with place, st.form("upload-folder", border=False, clear_on_submit=True):
            _ask(st.file_uploader("Folder", accept_multiple_files="directory"), "folder")


def _ask(given: Sequence[UploadedFile], name: str) -> None:
    modality = st.selectbox("Modality", MODALITIES, format_func=lambda word: word or UNKNOWN, key=f"modality-{name}")
    models = state.known_models()
    names = [*models, ""]
    chosen = st.selectbox("Score with", names, format_func=lambda word: word or "no model", key=f"model-{name}")
    if not st.form_submit_button("Open these scans", key=f"send-{name}") or not given:
        return
    try:
        received = state.receive_upload([(one.name, one) for one in given], modality or None)
    except MedresError as fault:
        st.error(plain(str(fault)))
        return
    if chosen:
        state.start_scoring(chosen, models[chosen])
    if received.left_out:
        st.toast(f"{received.left_out} files were left out: they are no scans.")
    st.rerun()


def _draw_uploaded() -> None:
    st.info("These are uploaded scans. They are kept for this session only.")
    job = state.scoring_job()
    if job is not None and job.running:
        _watch()
    elif job is not None:
        _draw_outcome(job)
    if st.button("Back to the folder"):
        state.leave_upload()
        st.rerun()


@st.fragment(run_every=LOOK_SECONDS)
def _watch() -> None:
    """Draw how far the scores are; when they are done, the whole page anew."""
    job = state.scoring_job()
    if job is None or not job.running:
        st.rerun()
        return
    share = job.done / job.total if job.total else 0.0
    st.progress(share, text=progress_words(job))


def progress_words(job: state.ScoringJob) -> str:
    """Say how far scores are.

    Args:
        job: on its way.

    Returns:
        Such as "Scoring: series 3 of 12, about 40 s left".
    """
    if not job.total:
        return "Looking for series and loading the model ..."
    words = f"Scoring: series {min(job.done + 1, job.total)} of {job.total}"
    left = job.seconds_left
    if left is None:
        return words
    return f"{words}, about {left:.0f} s left" if left < 90 else f"{words}, about {left / 60:.0f} min left"


def _draw_outcome(job: state.ScoringJob) -> None:
    if job.summary is None:
        st.error(plain(job.fault))
        return
    counts = [f"{job.summary.statuses[name]} {WORDS.get(name, 'failed')}" for name in STATUSES]
    told = [words for words in counts if not words.startswith("0 ")]
    if told:
        st.success(f"{job.summary.series} series: {', '.join(told)}.")
    else:
        st.warning("No series was found.")
    listed = state.worklist()
    refused = [item for item in listed.items if item.status in ("refused", "error")] if listed else []
    for item in refused[:MOST_REFUSALS]:
        st.caption(plain(f"{item.key}: {item.code}: {item.message}"))
    if len(refused) > MOST_REFUSALS:
        st.caption(f"{len(refused) - MOST_REFUSALS} more stand in the list with their reason.")
