"""Worklist -> a table, the most suspicious study first; choosing a row opens it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import state
from app.components.page import always_say
from app.components.upload import draw_upload
from medres.errors import MedresError
from medres.review.decisions import Progress
from medres.review.worklist import Worklist, WorklistItem

DECISIONS = {"positive": "Positive", "negative": "Negative", "indeterminate": "Indeterminate"}
STATUSES = {
    "ok": "scored",
    "warned": "scored, with warnings",
    "out_of_scope": "out of scope",
    "refused": "not readable",
    "error": "failed",
    "unscored": "not scored",
}
STANDINGS = {"new": "new", "begun": "begun", "read": "read", "discordant": "discordant"}


def draw() -> None:
    """Draw the worklist, or say how to get one."""
    try:
        listed = state.worklist()
    except MedresError as fault:
        st.error(str(fault))
        return
    if listed is None:
        st.info("No folder is open. Start the viewer with one, `medres view FOLDER`, or add scans here.")
        draw_upload()
        always_say(state.model_line())
        return
    try:
        so_far = state.all_progress()
    except MedresError as fault:
        st.error(str(fault))
        so_far = {}
    shown = _filtered(listed, so_far)
    _above(shown, so_far)
    _table(shown, so_far)
    counts = f"{len(shown)} of {len(listed.items)} series"
    st.caption(counts + (f" · {listed.skipped} files were no scan" if listed.skipped else ""))
    draw_upload()
    always_say(state.model_line())


def _filtered(listed: Worklist, so_far: dict[str, Progress]) -> list[WorklistItem]:
    left, middle, right, last = st.columns(4)
    text = left.text_input("Search", placeholder="key, modality, warning", key="search").strip().lower()
    kinds = sorted({item.modality for item in listed.items if item.modality})
    modality = middle.multiselect("Modality", kinds, key="modality")
    status = right.multiselect("Status", sorted({STATUSES[item.status] for item in listed.items}), key="status")
    reading = last.multiselect("Reading", list(STANDINGS.values()), key="reading")
    return [
        item
        for item in listed.items
        if (not text or text in _haystack(item))
        and (not modality or item.modality in modality)
        and (not status or STATUSES[item.status] in status)
        and (not reading or _standing(item, so_far) in reading)
    ]


def _standing(item: WorklistItem, so_far: dict[str, Progress]) -> str:
    return STANDINGS[so_far.get(item.key, Progress()).standing] if item.readable else ""


def _haystack(item: WorklistItem) -> str:
    words = [item.key, item.modality, item.code, item.patient_key, STATUSES[item.status], *item.warnings]
    return " ".join(words).lower()


def _above(shown: list[WorklistItem], so_far: dict[str, Progress]) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    unread = [item for item in shown if item.readable and so_far.get(item.key, Progress()).final is None]
    with left:
        if st.button("Read the first unread study", type="primary", disabled=not unread) and unread:
            _open(unread[0])
    with right:
        shown_now = state.scores_shown()
        wanted = st.toggle("Show scores before the first reading (the trail keeps it)", shown_now, key="show_scores")
        if wanted != shown_now:
            _switch(wanted)


def _switch(wanted: bool) -> None:
    try:
        state.show_scores(wanted)
    except MedresError as fault:
        st.error(str(fault))
        return
    st.rerun()


def _open(item: WorklistItem) -> None:
    state.open_study(item.key)
    state.turn_to("reading")


def _table(shown: list[WorklistItem], so_far: dict[str, Progress]) -> None:
    table = pd.DataFrame([_record(item, so_far) for item in shown], columns=list(_COLUMNS))
    chosen = st.dataframe(
        table,
        column_config=_COLUMNS,
        hide_index=True,
        width="stretch",
        height=min(620, 38 + 35 * max(1, len(shown))),
        on_select="rerun",
        selection_mode="single-row",
        key="table",
    )
    rows = chosen.selection.rows  # type: ignore[attr-defined]
    if rows and rows[0] < len(shown):
        _choose(shown[rows[0]])


def _choose(item: WorklistItem) -> None:
    if item.readable:
        _open(item)
    else:
        st.warning(f"{item.key}: {item.code}: {item.message}")


_COLUMNS = {
    "Study": st.column_config.TextColumn("Series", help="key of the series, as medres inspect shows it"),
    "Patient": st.column_config.TextColumn("Patient", help="keyed pseudonym"),
    "Modality": st.column_config.TextColumn("Modality", width="small"),
    "Probability": st.column_config.ProgressColumn("Probability", min_value=0.0, max_value=1.0, format="%.3f"),
    "Decision": st.column_config.TextColumn("Decision"),
    "Status": st.column_config.TextColumn("Status"),
    "Reading": st.column_config.TextColumn("Reading"),
    "Warnings": st.column_config.TextColumn("Warnings and reasons", width="large"),
}


def _record(item: WorklistItem, so_far: dict[str, Progress]) -> dict[str, object]:
    said = item.opinion
    hidden = state.is_hidden(said, so_far.get(item.key, Progress()))
    decision = "After your first reading" if hidden else DECISIONS.get(said.decision, "No answer") if said else ""
    return {
        "Study": item.key,
        "Patient": item.patient_key,
        "Modality": item.modality or "not given",
        "Probability": said.probability if said and not hidden else None,
        "Decision": decision,
        "Status": STATUSES[item.status],
        "Reading": _standing(item, so_far),
        "Warnings": ", ".join(filter(None, (item.code, *item.warnings))),
    }
