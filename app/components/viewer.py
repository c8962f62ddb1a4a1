"""A scene -> the reading component on the page. Knows neither files nor models.

The JavaScript beside this file is plain and needs no build step: its files are joined in the order of `PARTS` into
the one module that Streamlit registers as inline text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).resolve().parent
PARTS = (
    *(
        "grid",
        "paint",
        "heat",
        "rows",
        "fetch",
        "scan",
        "lines",
        "viewport",
        "links",
        "layout",
        "measures",
        "hands",
        "keys",
    ),
    *("chooser", "toolbar", "overlays", "actions", "recall", "viewer"),
)
ACTS = ("turn", "open", "show", "mark", "keep")  # what a reader does on the canvas and the page must know


def module_text() -> str:
    """Join the parts of the component into one ES module.

    Returns:
        JavaScript; its last part exports the component.
    """
    return "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)


def style_text() -> str:
    """Read the component's style sheet."""
    return (HERE / "viewer.css").read_text(encoding="utf-8")


_mount = st.components.v2.component("medres.viewer", css=style_text(), js=module_text())


def draw_viewer(scene: dict[str, Any], key: str) -> Any:
    """Draw the linked planes of one study.

    Args:
        scene: what `medres.review.scene` describes; must fit into JSON.
        key: of the element; one for all studies, so that the canvas stays on the page.

    Returns:
        The component's result: one attribute for each of `ACTS`, what the reader just did, or None.
    """
    follow: dict[str, Any] = {f"on_{act}_change": _nothing for act in ACTS}
    return _mount(key=key, data=scene, **follow)


def _nothing() -> None:
    """Let the page follow by itself: an act is read from the result."""
