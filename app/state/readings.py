"""What this reader recorded <-> the review store, and what may be shown before it.

Knows the open study by its key; draws nothing.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app.settings import settings
from app.state.folders import folder, uploaded
from app.state.people import person, reader
from app.state.studies import OpenStudy
from medres.io.privacy import configuration_folder, load_site_key, pseudonym
from medres.review.decisions import POLICY, Progress, Reading, progress_of, record_reading, record_reveal
from medres.review.key_images import KINDS as KEY_IMAGE_KINDS
from medres.review.key_images import KeyImage, record_key_image
from medres.review.key_images import key_images as stored_key_images
from medres.review.key_images import remove_key_image as remove_stored
from medres.review.opinion import Opinion
from medres.review.store import FILE, ReviewStore
from medres.review.worklist import LEDGER_FILE, WorklistItem


def review_store() -> ReviewStore:
    """Open the review store: beside the results, or for scans in the user's own configuration folder.

    Raises:
        StoreError: when it cannot be used.
    """
    chosen = settings()
    upload = uploaded()
    place = upload.scans if upload else folder()  # an upload goes with the session, its readings stay
    if chosen.review or place is None:
        return _review_store(chosen.review or str(configuration_folder() / FILE))
    if (place / LEDGER_FILE).is_file():
        return _review_store(str(place / FILE))
    name = pseudonym(load_site_key(), str(place.resolve()))
    return _review_store(str(configuration_folder() / f"review-{name}.sqlite"))


@st.cache_resource(max_entries=4, show_spinner=False)
def _review_store(place: str) -> ReviewStore:
    return ReviewStore(place, load_site_key())


def all_progress() -> dict[str, Progress]:
    """Tell how far this reader came, by study key."""
    mine = reader()
    by_study = progress_of(review_store().entries())
    return {study: readers[mine] for study, readers in by_study.items() if mine in readers}


def all_readers() -> dict[str, dict[str, Progress]]:
    """Tell how far everybody came, by study key and reader; empty for who may not see it."""
    known = person()
    return progress_of(review_store().entries()) if known is not None and known.oversees else {}


def others(item: WorklistItem) -> tuple[Progress, ...]:
    """Give what others read of a study: to a reviewer, and only after an own first reading."""
    known = person()
    found = progress_of(review_store().entries(study=item.key)).get(item.key, {})
    if known is None or not known.sees_others or found.get(known.name, Progress()).first is None:
        return ()
    return tuple(one for name, one in found.items() if name != known.name and one.first is not None)


def disputed() -> frozenset[str]:
    """Name the studies of which another's final reading differs from this reader's; only for who may see both."""
    known = person()
    if known is None or not known.sees_others:
        return frozenset()
    found = set()
    for study, readers in progress_of(review_store().entries()).items():
        mine = readers.get(known.name, Progress()).final
        findings = {one.final.finding for one in readers.values() if one.final is not None}
        if mine is not None and len(findings) > 1:
            found.add(study)
    return frozenset(found)


def note_policy() -> None:
    """Write once a session that scores are shown before the first reading, where the viewer was started so."""
    if settings().opinion_hidden or st.session_state.get("policy_noted"):
        return
    review_store().append(reader(), POLICY, body={"scores_shown_before_first_reading": True, "by": "start"})
    st.session_state["policy_noted"] = True


def progress(item: WorklistItem) -> Progress:
    """Tell how far this reader came with one study."""
    return progress_of(review_store().entries(study=item.key)).get(item.key, {}).get(reader(), Progress())


def opinion_locked() -> bool:
    """Tell whether nobody can see an opinion before a first reading."""
    return settings().opinion == "locked"


def scores_shown() -> bool:
    """Tell whether this session shows scores before the first reading."""
    return not opinion_locked() and bool(st.session_state.get("scores_shown", not settings().opinion_hidden))


def show_scores(shown: bool) -> None:
    """Show or hide scores before the first reading; the trail keeps it."""
    st.session_state["scores_shown"] = shown
    review_store().append(reader(), POLICY, body={"scores_shown_before_first_reading": shown})


def is_hidden(said: Opinion | None, so_far: Progress) -> bool:
    """Tell whether an opinion still waits for the first reading; what gives no probability hides nothing."""
    return said is not None and said.probability is not None and so_far.waits and not scores_shown()


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


def key_images(item: WorklistItem) -> tuple[KeyImage, ...]:
    """Give this reader's key images of a study, in the order in which they were kept."""
    return stored_key_images(review_store().entries(item.key, KEY_IMAGE_KINDS), reader())


def keep_key_image(item: WorklistItem, image: KeyImage) -> None:
    """Keep a slice for the report; it is written at once.

    Raises:
        StoreError: when it could not be written.
    """
    record_key_image(review_store(), reader(), item.key, image)


def remove_key_image(item: WorklistItem, key: str) -> None:
    """Take a slice out of the report by `KeyImage.key`; the trail keeps that it was in it."""
    remove_stored(review_store(), reader(), item.key, key)


def seconds_open() -> float:
    """Tell how long the study has been open in this session."""
    return round(time.monotonic() - float(st.session_state.setdefault("opened_at", time.monotonic())), 1)


def mark() -> tuple[float, float, float] | None:
    """Give where the reader marked the open study, RAS+ mm."""
    found = st.session_state.get("mark")
    return tuple(found) if found else None


def mark_region() -> dict[str, Any] | None:
    """Give the ellipse about the mark, `plane` and `axesMm` (half-axes along its columns and rows), or None."""
    return st.session_state.get("mark_region")


def set_mark(point_mm: list[float] | None, region: dict[str, Any] | None = None) -> None:
    """Keep where the reader marks the open study, a point or an ellipse about it; None takes it back."""
    st.session_state["mark"] = point_mm
    st.session_state["mark_region"] = region
