"""The open study -> linked planes beside the model's opinion."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import state
from app.components.decision import draw_decision
from app.components.opinion import draw_opinion, draw_regions, draw_report, draw_warnings
from app.components.viewer import draw_viewer
from medres.errors import MedresError
from medres.review.decisions import Progress
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
    so_far, store_fault = _progress(opened.item)
    hidden = state.is_hidden(said, so_far)
    explained = None if hidden else state.heatmap_made(opened)
    with left:
        result = draw_viewer(state.scene(opened, None if hidden else said, explained), key="viewer")
    with right:
        if store_fault:
            st.error(store_fault)
        if not hidden:
            draw_opinion(said, fault)
        draw_decision(opened, said, so_far, hidden=hidden)
        if explained is not None:
            draw_regions(explained)
            draw_report(opened)
        draw_warnings(opened, None if hidden else said)
    _follow(opened.item, result)
    if not hidden and explained is None and state.can_explain(opened, said):
        with right:
            _explain(opened)


def _progress(item: WorklistItem) -> tuple[Progress, str]:
    """Ask how far the reader came; without a store, the reason."""
    try:
        return state.progress(item), ""
    except MedresError as fault:
        return Progress(), str(fault)


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


def _follow(item: WorklistItem, result: Any) -> None:
    """Do what the reader asked for on the canvas."""
    turn, marked = result.turn, result.mark
    if marked and marked["study"] == item.key:
        state.set_mark(marked["value"])
        st.rerun()
    if turn and turn["study"] == item.key:
        neighbour = state.neighbour(item, int(turn["value"]))
        if neighbour is None:
            st.toast("No further study in this direction.")
            return
        state.open_study(neighbour.key)
        st.rerun()
