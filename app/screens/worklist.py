"""Worklist -> a table, the most suspicious study first; choosing a row opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.page import ON, always_say, plain
from app.components.upload import draw_upload
from medres.errors import MedresError
from medres.results.words import LEAST, MOST
from medres.review.decisions import Progress
from medres.review.opinion import Opinion, warning_words
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
STANDINGS = ["new", "begun", "read", "discordant"]
HIDDEN = "After your first reading"
NEVER_CERTAIN = f"{MOST} stands for that and more, {LEAST} for that and less: no score is a certainty"
MOST_MODELS = 4  # columns of scores
ROW_PIXELS = 44


@dataclass(frozen=True, eq=False)
class Seen:
    """The worklist as this reader may see it."""

    listed: Worklist
    so_far: dict[str, Progress]
    disputed: frozenset[str]
    scores_shown: bool

    def progress(self, item: WorklistItem) -> Progress:
        """Tell how far this reader came with a study."""
        return self.so_far.get(item.key, NOTHING)

    def hides(self, item: WorklistItem) -> bool:
        """Tell whether what models said waits for this reader's own first reading."""
        answered = any(said.probability is not None for said in item.opinions)
        return answered and not self.scores_shown and self.progress(item).waits

    def standing(self, item: WorklistItem) -> str:
        """Name where a study stands; discordant also where another reader found otherwise."""
        if not item.readable:
            return ""
        return "discordant" if item.key in self.disputed else self.progress(item).standing


NOTHING = Progress()


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
        seen = Seen(listed, state.all_progress(), state.disputed(), state.scores_shown())
    except MedresError as fault:
        st.error(plain(str(fault)))
        seen = Seen(listed, {}, frozenset(), False)
    shown = _filtered(seen)
    _above(shown, seen)
    _table(shown, seen)
    counts = f"{len(shown)} of {len(listed.items)} series"
    st.caption(counts + (f" · {listed.skipped} files were no scan" if listed.skipped else ""))
    draw_upload()
    always_say(state.model_line())


def _filtered(seen: Seen) -> list[WorklistItem]:
    items = seen.listed.items
    left, middle, right, last = st.columns(4)
    text = left.text_input("Search", placeholder="key, patient, modality, warning", key="search").strip().lower()
    kinds = sorted({item.modality for item in items if item.modality})
    modality = middle.multiselect("Modality", kinds, key="modality")
    status = right.multiselect("Status", sorted({_status(item) for item in items}), key="status")
    reading = last.multiselect("Reading", STANDINGS, key="reading")
    return [
        item
        for item in items
        if (not text or all(word in _haystack(item) for word in text.split()))
        and (not modality or item.modality in modality)
        and (not status or _status(item) in status)
        and (not reading or seen.standing(item) in reading)
    ]


def _haystack(item: WorklistItem) -> str:
    words = [item.key, item.modality, item.code, item.patient_key, _status(item), *item.warnings]
    return " ".join([*words, *(said.model for said in item.opinions)]).lower()


def _above(shown: list[WorklistItem], seen: Seen) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    unread = [item for item in shown if item.readable and seen.progress(item).final is None]
    with left:
        if st.button("Read the first unread study", type="primary", disabled=not unread, shortcut=ON) and unread:
            _open(unread[0])
    if state.opinion_locked():
        right.caption("Scores come after your own first reading; the list is in the order of arrival.")
        return
    with right:
        shown_now = state.scores_shown()
        wanted = st.toggle("Show scores before the first reading (the trail keeps it)", shown_now, key="show_scores")
        if wanted != shown_now:
            _switch(wanted)


def _switch(wanted: bool) -> None:
    try:
        state.show_scores(wanted)
    except MedresError as fault:
        st.error(plain(str(fault)))
        return
    st.rerun()


def _open(item: WorklistItem) -> None:
    state.open_study(item.key)
    state.turn_to("reading")


def _table(shown: list[WorklistItem], seen: Seen) -> None:
    models = _named_apart(seen.listed.models) if len(seen.listed.models) > 1 else {}
    columns = _columns(models, patients=any(item.patient_key for item in seen.listed.items))
    records = [_record(item, seen, models) for item in shown]
    table = pd.DataFrame(records, columns=list(columns))
    table["Picture"] = table["Study"].map(state.thumbnail_addresses(shown))
    chosen = st.dataframe(
        table,
        column_config=columns,
        hide_index=True,
        width="stretch",
        height=min(660, 40 + ROW_PIXELS * max(1, len(shown))),
        row_height=ROW_PIXELS,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        key="table",
    )
    rows = chosen.selection.rows  # type: ignore[attr-defined]
    if rows and rows[0] < len(shown):
        _choose(shown[rows[0]])


def _choose(item: WorklistItem) -> None:
    if item.readable:
        _open(item)
    else:
        st.warning(plain(f"{item.key}: {item.code}: {item.message}"))


def _named_apart(models: Mapping[str, str]) -> dict[str, str]:
    """Name the first models, those of one name by their digests too."""
    names = list(models.values())
    first = list(models.items())[:MOST_MODELS]
    return {digest: f"{name} ({digest[:8]})" if names.count(name) > 1 else name for digest, name in first}


def _columns(models: dict[str, str], *, patients: bool) -> dict[str, Any]:
    """Name the columns; of several models each has one of its own, and that of patients goes where none is known."""
    score = st.column_config.ProgressColumn
    several = {
        digest: score(name, min_value=0.0, max_value=1.0, format="%.3f", width=115, help=NEVER_CERTAIN)
        for digest, name in models.items()
    }
    one = {"Probability": score("Probability", min_value=0.0, max_value=1.0, format="%.3f", help=NEVER_CERTAIN)}
    return {
        "Picture": st.column_config.ImageColumn("", width=52, help="middle slice"),
        "Study": st.column_config.TextColumn(
            "Series", width=130 if patients else 190, help="key of the series, as medres inspect shows it"
        ),
        **({"Patient": st.column_config.TextColumn("Patient", width=150, help="keyed pseudonym")} if patients else {}),
        "Modality": st.column_config.TextColumn("Modality", width="small"),
        **(several or one),
        "Decision": st.column_config.TextColumn("Decision", width=165),
        "Status": st.column_config.TextColumn("Status", width=155),
        "Reading": st.column_config.TextColumn("Reading", width=85),
        "Waiting": st.column_config.DatetimeColumn(
            "Scored", format="distance", width=120, help="how long an unread study has waited since it was scored"
        ),
        "Warnings": st.column_config.TextColumn("Warnings and reasons", width="large"),
    }


def _record(item: WorklistItem, seen: Seen, models: dict[str, str]) -> dict[str, object]:
    progress = seen.progress(item)
    hidden = seen.hides(item)
    scores = {digest: item.opinion_of(digest) for digest in models} or {"Probability": item.opinion}
    return {
        "Picture": None,
        "Study": item.key,
        "Patient": item.patient_key,
        "Modality": item.modality or "not given",
        **{name: None if hidden else _shown(said) for name, said in scores.items()},
        "Decision": HIDDEN if hidden else _decision(item),
        "Status": _status(item),
        "Reading": seen.standing(item),
        "Waiting": _since(item) if item.readable and progress.final is None else None,
        "Warnings": _reasons(item),
    }


def _shown(said: Opinion | None) -> float | None:
    """Give a probability as its three digits show it."""
    if said is None or said.probability is None:
        return None
    return min(max(said.probability, LEAST), MOST)


def _status(item: WorklistItem) -> str:
    """Name the status; what a model could not take but a reader can is not called unreadable."""
    return STATUSES["unscored" if item.status == "refused" and item.readable else item.status]


def _reasons(item: WorklistItem) -> str:
    """Say why there is no answer and what is to be minded, in words."""
    why = f"{item.message[:1].upper()}{item.message[1:]} ({item.code})" if item.message else item.code
    return "; ".join(filter(None, (why, *warning_words(item.warnings))))


def _decision(item: WorklistItem) -> str:
    """Name the decision; where models differ, all of them."""
    told = dict.fromkeys(DECISIONS.get(said.decision, "No answer") for said in item.opinions)
    return " / ".join(told)


def _since(item: WorklistItem) -> datetime | None:
    try:
        return datetime.fromisoformat(item.finished_at)
    except ValueError:
        return None
