"""The folder that the viewer was started with, or this session's upload -> the worklist.

Knows no open study.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import streamlit as st

from app.session import Uploads
from app.settings import settings
from medres.review.upload import receive
from medres.review.worklist import LEDGER_FILE, Worklist, open_worklist


def receive_upload(name: str, content: BinaryIO, modality: str | None) -> int:
    """Take an upload in and make it this session's worklist.

    Args:
        name: as the browser gave it.
        content: the bytes.
        modality: for files that carry none.

    Returns:
        Files received.

    Raises:
        MedresError: when it is refused; nothing of it is kept.
    """
    uploads: Uploads = st.session_state.setdefault("uploads", None) or Uploads()
    st.session_state["uploads"] = uploads
    uploads.count += 1
    place = uploads.folder / str(uploads.count)
    received = receive(name, content, place)
    st.session_state["uploaded"] = (place, modality)
    st.session_state.pop("open", None)
    return received


def shows_upload() -> bool:
    """Tell whether this session's worklist is an upload."""
    return "uploaded" in st.session_state


def leave_upload() -> None:
    """Go back to the folder that the viewer was started with."""
    for name in ("uploaded", "open"):
        st.session_state.pop(name, None)


def folder() -> Path | None:
    """Give the folder of this session's worklist."""
    return st.session_state["uploaded"][0] if shows_upload() else settings().folder


def worklist() -> Worklist | None:
    """List what waits, anew when the results folder changed; None without a folder."""
    place = folder()
    if place is None:
        return None
    modality = st.session_state["uploaded"][1] if shows_upload() else None
    return _worklist(place, settings().model, modality, _stamp(place))


def _stamp(place: Path) -> tuple[int, ...]:
    """Tell when the ledger last changed, its write-ahead log included."""
    files = [place / LEDGER_FILE, place / f"{LEDGER_FILE}-wal"]
    return tuple(file.stat().st_mtime_ns for file in files if file.exists())


@st.cache_resource(max_entries=2, show_spinner="Listing the studies ...")
def _worklist(place: Path, model: Path | None, modality: str | None, stamp: tuple[int, ...]) -> Worklist:
    return open_worklist(place, model, modality)


def model_line() -> str:
    """Name the worklist's model, or say that there is none."""
    listed = worklist()
    known = [item.opinion.model for item in listed.items if item.opinion] if listed else []
    return known[0] if known else "no model"
