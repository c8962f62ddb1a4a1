"""Where a reader's finding is asked for: first without the model, then with it. Draws and asks only."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import ON, RECORD, plain
from medres.errors import MedresError
from medres.review.decisions import CONFIDENCES, LONGEST_NOTE, Progress, Reading
from medres.review.opinion import Opinion
from medres.review.scene import place_words

FINDINGS = {"positive": "Positive", "negative": "Negative", "unsure": "Unsure"}
AGREEMENTS = {"agree": "Agree", "disagree": "Disagree", "unsure": "Unsure"}


def draw_decision(opened: state.OpenStudy, said: Opinion | None, so_far: Progress, *, hidden: bool) -> None:
    """Draw the form of the reading that comes next."""
    with st.container(border=True):
        if hidden:
            _first(opened, said)
        else:
            _final(opened, said, so_far)


def _first(opened: state.OpenStudy, said: Opinion | None) -> None:
    st.markdown("**Your first reading**")
    st.caption("The model's opinion is shown once your own is recorded.")
    with st.form(f"first-{opened.item.key}", border=False):
        finding, confidence = _ask(said)
        sent = st.form_submit_button("Record first reading", type="primary", width="stretch", shortcut=RECORD)
    if sent:
        _record(opened, finding, Reading("first", "unsure", confidence, seconds=state.seconds_open()), said)
    if not state.opinion_locked() and st.button(
        "Show the opinion without a reading", help="The trail keeps it.", type="tertiary"
    ):
        _do(lambda: state.reveal(opened.item))


def _final(opened: state.OpenStudy, said: Opinion | None, so_far: Progress) -> None:
    st.markdown("**Your final reading**")
    for name, reading in (("First", so_far.first), ("Final", so_far.final)):
        if reading is not None:
            st.caption(f"{name}: {_said(reading)}")
    _mark(opened)
    with st.form(f"final-{opened.item.key}", border=False):
        finding, confidence = _ask(said)
        agreement = _ask_agreement(said)
        note = st.text_area("Note (no names)", max_chars=LONGEST_NOTE, height=68)
        sent = st.form_submit_button("Record final reading", type="primary", width="stretch", shortcut=RECORD)
    if sent:
        draft = _draft(confidence, agreement, note)
        _record(opened, finding, draft, said)
    if so_far.final is not None and st.button("Next study", width="stretch", shortcut=ON):
        _next(opened)


def _draft(confidence: int, agreement: str | None, note: str) -> Reading:
    """Put a final reading together, all but its finding."""
    region = state.mark_region() or {}
    axes = tuple(region["axesMm"]) if region else None
    return Reading(
        "final",
        "unsure",
        confidence,
        agreement or "",  # type: ignore[arg-type]
        state.mark(),
        note.strip(),
        state.seconds_open(),
        region.get("plane", ""),
        axes,  # type: ignore[arg-type]
    )


def _ask(said: Opinion | None) -> tuple[str | None, int]:
    about = plain(said.positive_label) if said and said.positive_label else "Finding"
    words = FINDINGS.__getitem__
    finding = st.segmented_control(about.capitalize(), list(FINDINGS), format_func=words, width="stretch")
    confidence = st.segmented_control(
        "Confidence, 1 a guess to 5 certain", list(CONFIDENCES), default=3, width="stretch", required=True
    )
    return finding, int(confidence or 3)


def _ask_agreement(said: Opinion | None) -> str | None:
    if said is None or said.probability is None:
        return ""
    return st.segmented_control("The model", list(AGREEMENTS), format_func=AGREEMENTS.__getitem__, width="stretch")


def _mark(opened: state.OpenStudy) -> None:
    mark = state.mark()
    if mark is None:
        st.caption("Press M on the scan to mark the place under the crosshair, R to draw an ellipse about a finding.")
        return
    left, right = st.columns([2, 1], vertical_alignment="center")
    left.caption(f"Marked at {place_words(opened.volume, mark)}{_region_words(opened)}")
    if right.button("Remove", width="stretch"):
        state.set_mark(None)
        st.rerun()


def _region_words(opened: state.OpenStudy) -> str:
    region = state.mark_region()
    if region is None:
        return ""
    wide, high = (2 * mm for mm in region["axesMm"])
    size = f", {wide:.1f} × {high:.1f} mm" if opened.volume.spacing_known else ""
    return f", ellipse{size}, {region['plane']}"


def _said(reading: Reading) -> str:
    parts = [FINDINGS[reading.finding].lower(), f"confidence {reading.confidence}"]
    if reading.agreement:
        parts.append({"agree": "agrees", "disagree": "disagrees", "unsure": "unsure of the model"}[reading.agreement])
    return ", ".join(parts)


def _record(opened: state.OpenStudy, finding: str | None, draft: Reading, said: Opinion | None) -> None:
    if finding is None:
        st.warning("Choose positive, negative or unsure first.")
        return
    reading = Reading(**{**draft.__dict__, "finding": finding})
    _do(lambda: state.record(opened, reading, said))


def _do(act) -> None:  # type: ignore[no-untyped-def]
    """Write, then draw anew; a fault is said and nothing is lost from the page."""
    try:
        act()
    except MedresError as fault:
        st.error(str(fault))
        return
    st.rerun()


def _next(opened: state.OpenStudy) -> None:
    neighbour = state.neighbour(opened.item, 1)
    if neighbour is None:
        st.toast("This was the last study of the worklist.")
        return
    state.open_study(neighbour.key)
    st.rerun()
