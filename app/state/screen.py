"""What is open in this session, and where its pages are.

Knows the pages by name only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.state.folders import worklist
from medres.review.worklist import WorklistItem

STUDY_PARAMETER = "study"


def go_to(point_mm: Sequence[float] | None, **more: Any) -> None:
    """Move the crosshair with the next drawing.

    Args:
        point_mm: (3,), RAS+ mm; None where `more` names the slice.
        more: `series`, `plane`, `index`, `window` and `slab` of a key image.
    """
    count = st.session_state.get("go_to", {}).get("stamp", 0)
    st.session_state["go_to"] = {"mm": list(point_mm) if point_mm is not None else None, "stamp": count + 1, **more}


def open_key() -> str | None:
    """Give the key of the study that is open in this session, also after a reload of the page."""
    return st.session_state.get("open") or st.query_params.get(STUDY_PARAMETER)


def open_item() -> WorklistItem | None:
    """Give the item that is open in this session."""
    listed, key = worklist(), open_key()
    return listed.find(key) if listed and key else None


def neighbour(item: WorklistItem, step: int) -> WorklistItem | None:
    """Give the readable study before (-1) or after (+1) one in the worklist, or None."""
    listed = worklist()
    readable = [one for one in listed.items if one.readable or one.key == item.key] if listed else []
    place = next((n for n, one in enumerate(readable) if one.key == item.key), None)
    if place is None or not 0 <= place + step < len(readable):
        return None
    return readable[place + step]


def open_study(key: str) -> None:
    """Open a study in this session."""
    st.session_state["open"] = key
    st.session_state["opened_at"] = time.monotonic()
    for name in ("go_to", "mark", "mark_region", "beside"):
        st.session_state.pop(name, None)


def note_address() -> None:
    """Let the address name the study (its key holds no identifier), so that a reload comes back to it."""
    key = st.session_state.get("open")
    if key and st.query_params.get(STUDY_PARAMETER) != key:
        st.query_params[STUDY_PARAMETER] = key


def remember_pages(pages: dict[str, Any]) -> None:
    """Keep the pages by name, so that one can lead to another."""
    st.session_state["pages"] = pages


def turn_to(name: str) -> None:
    """Leave for another page."""
    st.switch_page(st.session_state["pages"][name])
