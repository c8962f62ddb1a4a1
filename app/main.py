"""The pages of the viewer -> one menu. Knows which pages there are and nothing of what stands on them."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import dress
from app.screens import models, reading, worklist


def main() -> None:
    """Draw the page that was asked for."""
    st.set_page_config(page_title="medres", layout="wide")
    dress()
    pages = {
        "worklist": st.Page(worklist.draw, title="Worklist", url_path="worklist", default=True),
        "reading": st.Page(reading.draw, title="Reading", url_path="reading"),
        "models": st.Page(models.draw, title="Model", url_path="model"),
    }
    state.remember_pages(pages)
    st.navigation(list(pages.values()), position="top").run()


main()
