"""The folder that the viewer was started with, or this session's upload -> the worklist.

Knows no open study.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from app.session import Uploads
from app.settings import settings
from medres.errors import MedresError
from medres.models.trained_model import read_spec
from medres.review.upload import Received, receive
from medres.review.worklist import LEDGER_FILE, Worklist, by_arrival, open_worklist

NO_PAGE = "streamlit.runtime.scriptrunner_utils.script_run_context"  # the logger that misses one


@dataclass(frozen=True)
class Uploaded:
    """What this session uploaded.

    Attributes:
        scans: folder of its files.
        modality: for files that carry none.
        results: folder that its scores go to.
    """

    scans: Path
    modality: str | None
    results: Path


def receive_upload(given: Sequence[tuple[str, BinaryIO]], modality: str | None) -> Received:
    """Take an upload in and make it this session's worklist.

    Args:
        given: names, as the browser gave them, and bytes.
        modality: for files that carry none.

    Returns:
        What was kept and what was left out.

    Raises:
        MedresError: when it is refused; nothing of it is kept.
    """
    uploads: Uploads = st.session_state.setdefault("uploads", None) or Uploads()
    st.session_state["uploads"] = uploads
    uploads.count += 1
    place = uploads.folder / str(uploads.count)
    received = receive(given, place)
    st.session_state["uploaded"] = Uploaded(place, modality, uploads.folder / f"{uploads.count}-results")
    for name in ("open", "job"):
        st.session_state.pop(name, None)
    return received


def leave_upload() -> None:
    """Go back to the folder that the viewer was started with."""
    for name in ("uploaded", "open", "job"):
        st.session_state.pop(name, None)


def uploaded() -> Uploaded | None:
    """Give this session's upload, or None."""
    return st.session_state.get("uploaded")


def folders() -> tuple[Path, ...]:
    """Give the folders of this session's worklist; an upload's results once they are there."""
    upload = uploaded()
    if upload is None:
        return settings().folders
    return (upload.results,) if (upload.results / LEDGER_FILE).is_file() else (upload.scans,)


def folder() -> Path | None:
    """Give the first folder of this session's worklist, beside which its readings stand; None without any."""
    return next(iter(folders()), None)


def worklist() -> Worklist | None:
    """List what waits, anew when the results folder changed; None without a folder."""
    upload = uploaded()
    return _listed(folders(), upload.modality if upload else None)


def list_ahead() -> None:
    """List what the viewer was started with before the first reader asks; what goes wrong is said on the page.

    For a thread of its own, of which Streamlit says in its log that no page belongs to it: that is meant.
    """
    logging.getLogger(NO_PAGE).setLevel(logging.ERROR)
    with contextlib.suppress(MedresError):
        _listed(settings().folders, None)


def known_models() -> dict[str, Path]:
    """Give the models that an upload can be scored with, by name: the one that was given, and the results' own."""
    own, listed = settings().model, _listed(settings().folders, None)
    found = {_name_of(own): own} if own is not None else {}
    for digest, place in (listed.model_folders if listed else {}).items():
        if place.is_dir() and listed is not None and place != own:
            found[listed.models.get(digest, digest[:8])] = place
    return found


def _name_of(model: Path) -> str:
    """Name the model of a folder, also where it turns out to be damaged once it is used."""
    try:
        spec = read_spec(model)
    except MedresError:
        return "the model that was given"
    return f"{spec.name} {spec.version}"


def _listed(places: tuple[Path, ...], modality: str | None) -> Worklist | None:
    stamp = tuple(when for place in places for when in _stamp(place))
    return _worklist(places, settings().model, modality, stamp) if places else None


def _stamp(place: Path) -> tuple[int, ...]:
    """Tell when the ledger last changed, its write-ahead log included."""
    files = [place / LEDGER_FILE, place / f"{LEDGER_FILE}-wal"]
    return tuple(file.stat().st_mtime_ns for file in files if file.exists())


@st.cache_resource(max_entries=2, show_spinner="Listing the studies ...")
def _worklist(places: tuple[Path, ...], model: Path | None, modality: str | None, stamp: tuple[int, ...]) -> Worklist:
    listed = open_worklist(places, model, modality)
    return by_arrival(listed) if settings().opinion == "locked" else listed


def model_line() -> str:
    """Name the worklist's models, or the one that scores or could score it; say so where there is none."""
    listed, job, own = worklist(), st.session_state.get("job"), settings().model
    known = sorted(listed.models.values()) if listed else []
    if not known and job is not None:
        known = [job.model]
    elif not known and own is not None:
        known = [_name_of(own)]
    return ", ".join(known[:3]) + (", ..." if len(known) > 3 else "") if known else "no model"
