"""What medres wrote beside the results -> evaluations with their numbers and plots, audits, manifests."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import state
from app.components.page import always_say, plain
from medres.errors import MedresError
from medres.review.documents import Document

HEADINGS = {"evaluation": "Evaluations", "audit": "Audits", "manifest": "Manifests"}


def draw() -> None:
    """Draw what was found, by its kind."""
    try:
        found = state.documents()
    except MedresError as fault:
        st.error(plain(str(fault)))
        found = ()
    if not found:
        st.info(
            "No evaluation, audit or manifest stands beside the results or the model. "
            "`medres evaluate`, `medres audit` and `medres manifest` write them."
        )
    for kind, heading in HEADINGS.items():
        of_kind = [document for document in found if document.kind == kind]
        if of_kind:
            st.subheader(heading)
        for number, document in enumerate(of_kind):
            _draw(document, f"{kind}-{number}")
    always_say("numbers of an evaluation hold for its own scans")


def _draw(document: Document, key: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(document.title)}**")
        for name, value in document.facts.items():
            if value:
                st.markdown(f"{plain(name)}: {plain(value)}")
        if document.numbers:
            draw_numbers(document)
        if document.plots:
            with st.expander("Plots"):
                columns = st.columns(2)
                for number, path in enumerate(document.plots):
                    columns[number % 2].image(str(path), output_format="PNG", caption=path.stem.replace("_", " "))
        if document.page is not None:
            st.download_button(
                "Report (HTML)", document.page.read_bytes, f"{document.kind}.html", "text/html", key=key,
                on_click="ignore",
            )  # fmt: skip


def draw_numbers(document: Document) -> None:
    """Draw an evaluation's main numbers with their intervals."""
    rows = [
        {"Number": name, "Value": value, "From": lower, "To": upper, "Cases": n}
        for name, (value, lower, upper, n) in document.numbers.items()
    ]
    digits = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch",
        column_config={"Value": digits, "From": digits, "To": digits},
    )  # fmt: skip
    st.caption("From and to: 95 % interval.")
