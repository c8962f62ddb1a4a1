"""Settings, what is open, what was computed: the only file that touches session state and caches.

Everything that takes time is asked for here, once, and kept for all sessions; tokens are each session's own.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.doors import SHELF, address
from medres.classifier import Classifier, load_classifier
from medres.explain.gradcam import build_heatmap
from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER
from medres.review.opinion import Opinion, opinion_of_prediction
from medres.review.scene import Buffer, describe_heatmap, describe_volume, encode_heat, encode_voxels
from medres.review.worklist import LEDGER_FILE, Worklist, WorklistItem, open_worklist, read_item
from medres.volume import Volume

FOLDER_VARIABLE, MODEL_VARIABLE = "MEDRES_VIEW_FOLDER", "MEDRES_VIEW_MODEL"
STUDIES_KEPT = 3  # decoded scans kept in memory, for all sessions together
HEATMAPS_KEPT = 32
STUDY_PARAMETER = "study"


@dataclass(frozen=True)
class Settings:
    """What the viewer was started with.

    Attributes:
        folder: results or scans, or None.
        model: a TrainedModel folder, or None.
    """

    folder: Path | None
    model: Path | None


def settings() -> Settings:
    """Read what `medres view` handed over."""
    folder, model = os.environ.get(FOLDER_VARIABLE), os.environ.get(MODEL_VARIABLE)
    return Settings(Path(folder) if folder else None, Path(model) if model else None)


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """A scan in memory, once for all sessions."""

    item: WorklistItem
    volume: Volume
    buffer: Buffer


def worklist() -> Worklist | None:
    """List what waits, anew when the results folder changed; None without a folder."""
    chosen = settings()
    if chosen.folder is None:
        return None
    return _worklist(chosen.folder, chosen.model, _stamp(chosen.folder))


def _stamp(folder: Path) -> tuple[int, ...]:
    """Tell when the ledger last changed, its write-ahead log included."""
    files = [folder / LEDGER_FILE, folder / f"{LEDGER_FILE}-wal"]
    return tuple(file.stat().st_mtime_ns for file in files if file.exists())


@st.cache_resource(max_entries=2, show_spinner="Listing the studies ...")
def _worklist(folder: Path, model: Path | None, stamp: tuple[int, ...]) -> Worklist:
    return open_worklist(folder, model)


def study(item: WorklistItem) -> OpenStudy:
    """Read a scan, or take it from memory.

    Args:
        item: of the worklist.

    Raises:
        MedresError: when the scan cannot be read.
    """
    return _study(settings().folder, item.key, item.scan_digest, item)


@st.cache_resource(max_entries=STUDIES_KEPT, show_spinner="Reading the scan ...")
def _study(folder: Path | None, key: str, digest: str, _item: WorklistItem) -> OpenStudy:
    listed = worklist()
    assert listed is not None  # an item comes from a worklist
    volume = read_item(listed, _item)
    return OpenStudy(_item, volume, encode_voxels(volume))


def classifier() -> Classifier | None:
    """Load the worklist's model, or None where there is none here."""
    listed = worklist()
    folder = listed.model_folder if listed else None
    return _classifier(folder) if folder is not None and folder.is_dir() else None


@st.cache_resource(max_entries=2, show_spinner="Loading the model ...")
def _classifier(folder: Path) -> Classifier:
    return load_classifier(folder)


def opinion(opened: OpenStudy) -> Opinion | None:
    """Give the model's opinion: the ledger's, else a fresh one, else None."""
    if opened.item.opinion is not None:
        return opened.item.opinion
    model = classifier()
    return _opinion(model.model.digest, opened.volume.origin.content_digest, model, opened) if model else None


@st.cache_resource(max_entries=256, show_spinner="Scoring the scan ...")
def _opinion(model_digest: str, scan_digest: str, _model: Classifier, _opened: OpenStudy) -> Opinion:
    return opinion_of_prediction(_model.predict(_opened.volume))


def can_explain(opened: OpenStudy, said: Opinion | None) -> bool:
    """Tell whether a heatmap can be made: the model answered, and it is here and still the same."""
    if said is None or said.probability is None:
        return False
    model = classifier()
    return model is not None and model.model.digest == said.model_digest


def heatmap_made(opened: OpenStudy) -> Heatmap | None:
    """Give the heatmap that this session has made of a study, or None."""
    return heatmap(opened) if opened.item.key in st.session_state.get("explained", set()) else None


def heatmap(opened: OpenStudy) -> Heatmap:
    """Make the heatmap of an answered scan, or take it from memory.

    Raises:
        MedresError: when it cannot be made.
    """
    model = classifier()
    assert model is not None  # asked only where can_explain
    made = _make_heatmap(model, opened)
    st.session_state.setdefault("explained", set()).add(opened.item.key)
    return made


def _make_heatmap(model: Classifier, opened: OpenStudy) -> Heatmap:
    return _heatmap(model.model.digest, opened.volume.origin.content_digest, model, opened)


@st.cache_resource(max_entries=HEATMAPS_KEPT, show_spinner="Making the heatmap ...")
def _heatmap(model_digest: str, scan_digest: str, _model: Classifier, _opened: OpenStudy) -> Heatmap:
    return build_heatmap(_model, _opened.volume)


class Tokens:
    """One session's tokens, taken off the shelf when the session ends."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.study = ""
        weakref.finalize(self, lambda names: SHELF.drop(list(names.values())), self.by_name)

    def address(self, study_key: str, name: str, content: memoryview) -> str:
        """Give this session's address of a buffer; those of another study end."""
        if self.study != study_key:
            SHELF.drop(list(self.by_name.values()))
            self.by_name.clear()
            self.study = study_key
        if name not in self.by_name:
            self.by_name[name] = SHELF.put(content)
        return address(self.by_name[name])


def _tokens() -> Tokens:
    return st.session_state.setdefault("tokens", Tokens())  # type: ignore[no-any-return]


def scene(opened: OpenStudy, said: Opinion | None, heat: Heatmap | None) -> dict[str, Any]:
    """Say all that the canvas needs of a study.

    Args:
        opened: the scan.
        said: what may be shown of the model; None shows nothing of it.
        heat: what may be shown; None shows none.
    """
    key, tokens = opened.item.key, _tokens()
    described = describe_volume(opened.volume, opened.buffer.kind)
    described["volume"]["url"] = tokens.address(key, "volume", opened.buffer.content)
    described["heatmap"] = None
    if heat is not None:
        described["heatmap"] = {**describe_heatmap(heat), "url": tokens.address(key, "heat", encode_heat(heat))}
    model = said.model if said else model_line()
    described["captions"] = {"study": key, "model": model, "disclaimer": DISCLAIMER}
    return {**described, "study": key, "goTo": st.session_state.get("go_to")}


def model_line() -> str:
    """Name the worklist's model, or say that there is none."""
    listed = worklist()
    known = [item.opinion.model for item in listed.items if item.opinion] if listed else []
    return known[0] if known else "no model"


def go_to(point_mm: tuple[float, float, float]) -> None:
    """Move the crosshair with the next drawing."""
    count = st.session_state.get("go_to", {}).get("stamp", 0)
    st.session_state["go_to"] = {"mm": list(point_mm), "stamp": count + 1}


def open_key() -> str | None:
    """Give the key of the study that is open in this session, also after a reload of the page."""
    return st.session_state.get("open") or st.query_params.get(STUDY_PARAMETER)


def open_item() -> WorklistItem | None:
    """Give the item that is open in this session."""
    listed, key = worklist(), open_key()
    return listed.find(key) if listed and key else None


def neighbour(item: WorklistItem, step: int) -> WorklistItem | None:
    """Give the readable study before (-1) or after (+1) one in the worklist, or None."""
    listed = worklist()
    readable = [one for one in listed.items if one.readable or one.key == item.key] if listed else []
    place = next((n for n, one in enumerate(readable) if one.key == item.key), None)
    if place is None or not 0 <= place + step < len(readable):
        return None
    return readable[place + step]


def open_study(key: str) -> None:
    """Open a study in this session."""
    st.session_state["open"] = key
    st.session_state.pop("go_to", None)


def note_address() -> None:
    """Let the address name the study (its key holds no identifier), so that a reload comes back to it."""
    key = st.session_state.get("open")
    if key and st.query_params.get(STUDY_PARAMETER) != key:
        st.query_params[STUDY_PARAMETER] = key


def remember_pages(pages: dict[str, Any]) -> None:
    """Keep the pages by name, so that one can lead to another."""
    st.session_state["pages"] = pages


def turn_to(name: str) -> None:
    """Leave for another page."""
    st.switch_page(st.session_state["pages"][name])
