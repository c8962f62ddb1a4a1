"""Key images -> their list beside the scan, each with a way to it and a way out. Draws and asks only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import state
from app.components.page import plain
from medres.errors import MedresError, StoreError
from medres.results.outlines import Outline
from medres.results.planes import Slab
from medres.review.key_images import LONGEST_NOTE, MOST_MEASUREMENTS, KeyImage

COLOUR_WINDOW = (127.5, 255.0)  # a colour picture is shown as it is


def key_image_of(told: Mapping[str, Any]) -> KeyImage:
    """Take a key image out of what the canvas told.

    Args:
        told: series, plane, index, window, slab and measures, as `keepImage` in actions.js sends them.

    Returns:
        The key image.

    Raises:
        StoreError: when a value cannot be one.
    """
    window = told.get("window")
    centre, width = (window["center"], window["width"]) if window else COLOUR_WINDOW
    measures = [one for one in told.get("measures", ()) if one.get("text")][:MOST_MEASUREMENTS]
    words = [f"{one['kind']} {one['text']}"[:LONGEST_NOTE] for one in measures]
    return KeyImage(
        str(told["series"]),
        told["plane"],
        int(told["index"]),
        float(centre),
        float(width),
        measurements=tuple(words),
        outlines=tuple(_outline_of(one) for one in measures),
        function=window["function"] if window else "linear",
        inverted=bool(window["inverted"]) if window else None,
        slab=_slab_of(told),
    )


def _slab_of(told: Mapping[str, Any]) -> Slab | None:
    slab = told.get("slab")
    return Slab(int(told["index"]), slab["mode"], int(slab["half"])) if slab else None


def _outline_of(one: Mapping[str, Any]) -> Outline:
    try:
        points = tuple((float(i), float(j), float(k)) for i, j, k in one["points"])
    except (KeyError, TypeError, ValueError):
        raise StoreError("E_USAGE", "a measurement must have points of 3 voxels each") from None
    return Outline(one["kind"], points, str(one["text"])[:LONGEST_NOTE])


def draw_key_images(opened: state.OpenStudy) -> None:
    """List this reader's key images of the study."""
    try:
        kept = state.key_images(opened.item)
    except MedresError as fault:
        st.error(str(fault))
        return
    if not kept:
        return
    with st.container(border=True):
        st.markdown("**Key images**")
        for number, image in enumerate(kept, start=1):
            _entry(number, image, opened)


def _entry(number: int, image: KeyImage, opened: state.OpenStudy) -> None:
    other = "" if image.series_key == opened.item.key else ", other series"
    thick = f", {image.slab.words}" if image.slab is not None else ""
    st.caption(f"{number}: {image.plane}, slice {image.index + 1}{thick}{other}")
    for measured in image.measurements:
        st.caption(plain(measured))
    see, drop = st.columns(2)
    if see.button("Go to", key=f"see-{image.key}", width="stretch"):
        _see(opened, image)
    if drop.button("Remove", key=f"drop-{image.key}", width="stretch"):
        try:
            state.remove_key_image(opened.item, image.key)
        except MedresError as fault:
            st.error(str(fault))
            return
        st.rerun()


def _see(opened: state.OpenStudy, image: KeyImage) -> None:
    """Bring its series onto the canvas where it is not, then go to its slice in its window."""
    if image.series_key != opened.item.key:
        try:
            state.show_beside(opened, image.series_key)
        except MedresError as fault:
            st.error(str(fault))
            return
    look = {"center": image.centre, "width": image.width, "function": image.function}
    look |= {} if image.inverted is None else {"inverted": image.inverted}
    slab = None if image.slab is None else {"mode": image.slab.mode, "half": image.slab.half}
    state.go_to(None, series=image.series_key, plane=image.plane, index=image.index, window=look, slab=slab)
    st.rerun()
