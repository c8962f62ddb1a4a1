"""Settings, what is open, what was computed: the only file that touches session state and caches.

Everything that takes time is asked for here, once, and kept for all sessions; tokens are each session's own.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st

from app.session import Tokens, Uploads
from app.settings import settings
from medres.classifier import Classifier, load_classifier
from medres.explain.gradcam import build_heatmap
from medres.explain.heatmap import Heatmap
from medres.io.privacy import configuration_folder, load_site_key, pseudonym
from medres.results.disclaimer import DISCLAIMER
from medres.results.folder import REPORT_FILE, write_results
from medres.results.standing import Standing, find_standing
from medres.review.decisions import POLICY, Progress, Reading, progress_of, record_reading, record_reveal
from medres.review.opinion import Opinion, opinion_of_prediction
from medres.review.scene import Buffer, describe_heatmap, describe_volume, encode_heat, encode_voxels
from medres.review.store import FILE, ReviewStore
from medres.review.upload import receive
from medres.review.worklist import LEDGER_FILE, Worklist, WorklistItem, open_worklist, read_item
from medres.volume import Volume

LOCAL_READER = "local"
STUDIES_KEPT = 3  # decoded scans kept in memory, for all sessions together
HEATMAPS_KEPT = 32
STUDY_PARAMETER = "study"


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """A scan in memory, once for all sessions."""

    item: WorklistItem
    volume: Volume
    buffer: Buffer


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


def study(item: WorklistItem) -> OpenStudy:
    """Read a scan, or take it from memory.

    Args:
        item: of the worklist.

    Raises:
        MedresError: when the scan cannot be read.
    """
    return _study(folder(), item.key, item.scan_digest, item)


@st.cache_resource(max_entries=STUDIES_KEPT, show_spinner="Reading the scan ...")
def _study(place: Path | None, key: str, digest: str, _item: WorklistItem) -> OpenStudy:
    listed = worklist()
    assert listed is not None  # an item comes from a worklist
    volume = read_item(listed, _item)
    return OpenStudy(_item, volume, encode_voxels(volume))


def classifier() -> Classifier | None:
    """Load the worklist's model, or None where there is none here."""
    listed = worklist()
    place = settings().model or (listed.model_folder if listed else None)
    return _classifier(place) if place is not None and place.is_dir() else None


@st.cache_resource(max_entries=2, show_spinner="Loading the model ...")
def _classifier(place: Path) -> Classifier:
    return load_classifier(place)


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


def standing(said: Opinion) -> Standing | None:
    """Place a score among the model's own validation scores, where the model is here and brings them."""
    model = classifier()
    same = model is not None and model.model.digest == said.model_digest
    return find_standing(model.model, said.probability) if model is not None and same else None


def report_page(opened: OpenStudy) -> bytes:
    """Make the report of a study as one HTML page.

    Raises:
        MedresError: when the model cannot be used or the page not be written.
    """
    model = classifier()
    assert model is not None  # offered only where can_explain
    with tempfile.TemporaryDirectory() as place:
        write_results(Path(place), model.predict(opened.volume), model.model, opened.volume, heatmap(opened))
        return (Path(place) / REPORT_FILE).read_bytes()


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


def review_store() -> ReviewStore:
    """Open the review store: beside the results, or for scans in the user's own configuration folder.

    Raises:
        StoreError: when it cannot be used.
    """
    chosen = settings()
    place = folder()
    if chosen.review or place is None:
        return _review_store(chosen.review or str(configuration_folder() / FILE))
    if (place / LEDGER_FILE).is_file():
        return _review_store(str(place / FILE))
    name = pseudonym(load_site_key(), str(place.resolve()))
    return _review_store(str(configuration_folder() / f"review-{name}.sqlite"))


@st.cache_resource(max_entries=4, show_spinner=False)
def _review_store(place: str) -> ReviewStore:
    return ReviewStore(place, load_site_key())


def reader() -> str:
    """Name who reads: the signed-in person where login is set up, else "local"."""
    return str(st.user.get("email") or LOCAL_READER) if st.user.get("is_logged_in") else LOCAL_READER


def all_progress() -> dict[str, Progress]:
    """Tell how far this reader came, by study key."""
    mine = reader()
    by_study = progress_of(review_store().entries())
    return {study: readers[mine] for study, readers in by_study.items() if mine in readers}


def progress(item: WorklistItem) -> Progress:
    """Tell how far this reader came with one study."""
    return progress_of(review_store().entries(study=item.key)).get(item.key, {}).get(reader(), Progress())


def scores_shown() -> bool:
    """Tell whether this session shows scores before the first reading."""
    return bool(st.session_state.get("scores_shown", not settings().opinion_hidden))


def show_scores(shown: bool) -> None:
    """Show or hide scores before the first reading; the trail keeps it."""
    st.session_state["scores_shown"] = shown
    review_store().append(reader(), POLICY, body={"scores_shown_before_first_reading": shown})


def is_hidden(said: Opinion | None, so_far: Progress) -> bool:
    """Tell whether an opinion still waits for the first reading; what gives no probability hides nothing."""
    waits = so_far.first is None and so_far.final is None and not so_far.revealed
    return said is not None and said.probability is not None and waits and not scores_shown()


def record(opened: OpenStudy, reading: Reading, said: Opinion | None) -> None:
    """Write a reading at once, and after the first one that the opinion is shown.

    Raises:
        StoreError: when it could not be written.
    """
    key, store = opened.item.key, review_store()
    digest = opened.volume.origin.content_digest
    record_reading(store, reader(), key, reading, said=said, scan_digest=digest)
    if reading.stage == "first":
        record_reveal(store, reader(), key, before_reading=False)


def reveal(item: WorklistItem) -> None:
    """Show the opinion without a first reading; the trail keeps it."""
    record_reveal(review_store(), reader(), item.key, before_reading=True)


def seconds_open() -> float:
    """Tell how long the study has been open in this session."""
    return round(time.monotonic() - float(st.session_state.setdefault("opened_at", time.monotonic())), 1)


def mark() -> tuple[float, float, float] | None:
    """Give where the reader marked the open study, RAS+ mm."""
    found = st.session_state.get("mark")
    return tuple(found) if found else None


def set_mark(point_mm: list[float] | None) -> None:
    """Keep where the reader marks the open study; None takes it back."""
    st.session_state["mark"] = point_mm


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
    return {**described, "study": key, "goTo": st.session_state.get("go_to"), "mark": mark()}


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
    st.session_state["opened_at"] = time.monotonic()
    for name in ("go_to", "mark"):
        st.session_state.pop(name, None)


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
