"""The report of a reading -> two buttons. Draws only; the report is made when it is asked for."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import plain
from medres.errors import MedresError


def draw_report(opened: state.OpenStudy) -> None:
    """Offer the report as HTML, and as PDF where it can be printed here."""
    try:
        report = state.reading_report(opened)
    except MedresError as fault:
        st.caption(plain(str(fault)))
        return
    left, right = st.columns(2)
    left.download_button(
        "Report (HTML)",
        lambda: state.reading_page(report),
        file_name="medres-reading.html",
        mime="text/html",
        width="stretch",
        on_click="ignore",
    )
    right.download_button(
        "Report (PDF)",
        lambda: state.reading_pdf(report),
        file_name="medres-reading.pdf",
        mime="application/pdf",
        width="stretch",
        on_click="ignore",
        disabled=not state.prints(),
        help=None if state.prints() else "PDF needs Chromium on this machine; print the HTML page instead.",
    )
