"""The open study -> linked planes beside the model's opinion."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import state
from app.components.opinion import draw_opinion
from app.components.viewer import draw_viewer
from medres.errors import MedresError
from medres.review.opinion import Opinion
from medres.review.worklist import WorklistItem


def draw() -> None:
    """Draw the study that is open, or lead to the worklist."""
    try:
        item = state.open_item()
        if item is None:
            st.info("No study is open. Choose one in the worklist.")
            return
        state.note_address()
        opened = state.study(item)
    except MedresError as fault:
        st.error(str(fault))
        return
    _read(opened)


@st.fragment
def _read(opened: state.OpenStudy) -> None:
    left, right = st.columns([3.4, 1], gap="small")
    said, fault = _opinion(opened)
    explained = state.heatmap_made(opened)
    with left:
        result = draw_viewer(state.scene(opened, said, explained), key="viewer")
    with right:
        draw_opinion(opened, said, explained, fault)
    _turn(opened.item, result)
    if said is not None and explained is None and state.can_explain(opened, said):
        with right:
            _explain(opened)


def _opinion(opened: state.OpenStudy) -> tuple[Opinion | None, str]:
    """Ask for the opinion; without one, the reason."""
    try:
        return state.opinion(opened), ""
    except MedresError as fault:
        return None, str(fault)


def _explain(opened: state.OpenStudy) -> None:
    """Make the heatmap after the planes are on screen."""
    try:
        state.heatmap(opened)
    except MedresError as fault:
        st.warning(str(fault))
        return
    st.rerun()


def _turn(item: WorklistItem, result: Any) -> None:
    """Go to the study before or after this one."""
    asked = result.turn
    if not asked or asked["study"] != item.key:
        return
    neighbour = state.neighbour(item, int(asked["value"]))
    if neighbour is None:
        st.toast("No further study in this direction.")
        return
    state.open_study(neighbour.key)
    st.rerun()
