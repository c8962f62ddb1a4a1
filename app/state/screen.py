"""What is open in this session, and all that its canvas needs.

Knows the pages by name only.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app.session import Tokens
from app.state.folders import model_line, worklist
from app.state.readings import mark
from app.state.studies import OpenStudy
from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER
from medres.review.opinion import Opinion
from medres.review.scene import describe_heatmap, describe_volume, encode_heat
from medres.review.worklist import WorklistItem

STUDY_PARAMETER = "study"


def _tokens() -> Tokens:
    return st.session_state.setdefault("tokens", Tokens())  # type: ignore[no-any-return]


def scene(opened: OpenStudy, said: Opinion | None, heat: Heatmap | None) -> dict[str, Any]:
    """Say all that the canvas needs of a study.

    Args:
        opened: the scan.
        said: what may be shown of the model; None shows nothing of it.
        heat: what may be shown; None shows none.
    """
    key, tokens = opened.item.key, _tokens()
    described = describe_volume(opened.volume, opened.buffer.kind)
    described["volume"]["url"] = tokens.address(key, "volume", opened.buffer.content)
    described["heatmap"] = None
    if heat is not None:
        described["heatmap"] = {**describe_heatmap(heat), "url": tokens.address(key, "heat", encode_heat(heat))}
    model = said.model if said else model_line()
    described["captions"] = {"study": key, "model": model, "disclaimer": DISCLAIMER}
    return {**described, "study": key, "goTo": st.session_state.get("go_to"), "mark": mark()}


def go_to(point_mm: tuple[float, float, float]) -> None:
    """Move the crosshair with the next drawing."""
    count = st.session_state.get("go_to", {}).get("stamp", 0)
    st.session_state["go_to"] = {"mm": list(point_mm), "stamp": count + 1}


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
    for name in ("go_to", "mark"):
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
