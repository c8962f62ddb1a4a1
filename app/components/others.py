"""What others read of the study -> a list beside it, for who may see it. Draws only."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import plain
from medres.errors import MedresError
from medres.review.decisions import Reading


def draw_others(opened: state.OpenStudy) -> None:
    """List the readings of others, without their names; nothing before an own first reading."""
    try:
        found = state.others(opened.item)
    except MedresError:
        return  # the page says already that the store cannot be used
    if not found:
        return
    with st.container(border=True):
        st.markdown("**Other readers**")
        for number, one in enumerate(found, start=1):
            for stage, reading in (("first", one.first), ("final", one.final)):
                if reading is not None:
                    st.caption(plain(f"Reader {number}, {stage}: {_words(reading)}"))


def _words(reading: Reading) -> str:
    note = f" – {reading.note}" if reading.note else ""
    return f"{reading.finding}, confidence {reading.confidence}{note}"
