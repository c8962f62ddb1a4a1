"""The open study -> linked planes beside the model's opinion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import state
from app.components.decision import draw_decision
from app.components.kept import draw_key_images, key_image_of
from app.components.opinion import draw_opinions, draw_regions, draw_warnings
from app.components.others import draw_others
from app.components.report import draw_report
from app.components.viewer import draw_viewer
from medres.errors import MedresError
from medres.explain.heatmap import Heatmap
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
    said, fault = _opinions(opened)
    so_far, store_fault = _progress(opened.item)
    hidden = any(state.is_hidden(one, so_far) for one in said)
    shown = () if hidden else said
    heats = state.heatmaps_made(opened, shown)
    side = right.container(key=f"side-{opened.item.key}")  # scrolls by itself: the scan stays on screen
    with left:
        result = draw_viewer(state.scene(opened, shown, heats), key="viewer")
    above, report = side.container(), side.container()
    with report:
        draw_report(opened)  # first: a button of before ends with this run, and what is seen anew can be clicked
    with above:
        if store_fault:
            st.error(store_fault)
        if not hidden:
            draw_opinions(said, fault)
        draw_decision(opened, said[0] if said else None, so_far, hidden=hidden)
        for digest, explained in heats.items():
            one = next(one for one in said if one.model_digest == digest)
            draw_regions(opened, explained, one, alone=len(heats) == 1)
        draw_others(opened)
        draw_key_images(opened)
    with side:
        draw_warnings(opened, shown)
    _follow(opened, result)
    with side:
        _explain(opened, shown, heats)


def _progress(item: WorklistItem) -> tuple[Progress, str]:
    """Ask how far the reader came; without a store, the reason."""
    try:
        return state.progress(item), ""
    except MedresError as fault:
        return Progress(), str(fault)


def _opinions(opened: state.OpenStudy) -> tuple[tuple[Opinion, ...], str]:
    """Ask for the opinions; without any, the reason."""
    try:
        return state.opinions(opened), ""
    except MedresError as fault:
        return (), str(fault)


def _explain(opened: state.OpenStudy, shown: tuple[Opinion, ...], heats: Mapping[str, Heatmap]) -> None:
    """Make the heatmaps that are still missing, after the planes are on screen."""
    try:
        missing = [one for one in state.explainable(shown) if one.model_digest not in heats]
        for one in missing:
            state.make_heatmap(opened, one)
    except MedresError as fault:
        st.warning(str(fault))
        return
    if missing:
        st.rerun()


def _follow(opened: state.OpenStudy, result: Any) -> None:
    """Do what the reader asked for on the canvas."""
    for act, does in ACTS.items():
        told = getattr(result, act)
        if told and told["study"] == opened.item.key:
            try:
                done = does(opened, told["value"])
            except MedresError as fault:
                st.error(str(fault))
                return
            if done:
                st.rerun()


def _turn(opened: state.OpenStudy, step: Any) -> bool:
    neighbour = state.neighbour(opened.item, -1 if step == -1 else 1)
    if neighbour is None:
        st.toast("No further study in this direction.")
        return False
    state.open_study(neighbour.key)
    return True


def _open(opened: state.OpenStudy, key: Any) -> bool:
    """Read another series of the same study."""
    known = [one.item.key for one in state.series_of(opened.item) if one.item.readable and one.same_study]
    if key in known:
        state.open_study(key)
    return key in known


def _show(opened: state.OpenStudy, key: Any) -> bool:
    state.show_beside(opened, str(key))
    return True


def _mark(opened: state.OpenStudy, told: Any) -> bool:
    point = [float(mm) for mm in told["mm"]]
    region = None
    if "axesMm" in told:
        region = {"plane": str(told["plane"]), "axesMm": [float(mm) for mm in told["axesMm"]]}
    state.set_mark(point, region)
    return True


def _keep(opened: state.OpenStudy, told: Any) -> bool:
    known = told["series"] in {one.item.key for one in state.series_of(opened.item)}
    if known:
        state.keep_key_image(opened.item, key_image_of(told))
    else:
        st.toast("A reformatted slice is not kept; keep it in the series as it was made.")
    return known


ACTS = {"turn": _turn, "open": _open, "show": _show, "mark": _mark, "keep": _keep}
