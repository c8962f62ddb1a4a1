"""The pages of the viewer -> one menu, for who may come in. Knows nothing of what stands on the pages."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import always_say, dress, plain
from app.screens import dashboard, data, models, reading, worklist
from medres.errors import MedresError


def main() -> None:
    """Draw the page that was asked for, or ask who is there."""
    st.set_page_config(page_title="medres", layout="wide")
    dress()
    try:
        known = state.person()
        if known is None:
            _ask_who()
            return
        state.note_policy()
    except MedresError as fault:
        st.error(plain(str(fault)))
        return
    pages = {
        "worklist": st.Page(worklist.draw, title="Worklist", url_path="worklist", default=True),
        "reading": st.Page(reading.draw, title="Reading", url_path="reading"),
        "models": st.Page(models.draw, title="Models", url_path="model"),
        "data": st.Page(data.draw, title="Data", url_path="data"),
    }
    if known.oversees:
        pages["dashboard"] = st.Page(dashboard.draw, title="Dashboard", url_path="dashboard")
    state.remember_pages(pages)
    if state.needs_login():
        _who(known.role)
    st.navigation(list(pages.values()), position="top").run()


def _ask_who() -> None:
    """Ask for a login; say it to who has one and may not come in."""
    st.subheader("medres")
    if state.is_signed_in():
        st.warning("This account may not read here. Ask who runs this viewer to name it in the people file.")
        if st.button("Sign out"):
            st.logout()
    elif st.button("Sign in", type="primary"):
        st.login()
    always_say("no study is shown before you sign in")


def _who(role: str) -> None:
    """Say in what role somebody reads, with the way out."""
    with st.sidebar:
        st.caption(f"Signed in as {role}.")
        if st.button("Sign out"):
            st.logout()


main()
