"""What the dashboard, the data page and the model page ask for: counts, documents, models; computed once.

Knows no open study.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.settings import settings
from app.state.folders import folders, worklist
from app.state.models import model_at
from app.state.readings import all_readers, review_store
from app.state.studies import classifier
from medres.classifier import Classifier
from medres.errors import MedresError
from medres.io.privacy import load_site_key
from medres.ledger import LedgerRow
from medres.results.standing import validation_scores
from medres.review.documents import Document, find_documents
from medres.review.export import agreement_report, with_pseudonyms
from medres.review.overview import Overview, overview_of
from medres.review.trail import Head


def loaded_models() -> dict[str, Classifier]:
    """Load the models of the worklist by name: the one that was given, then those that answered.

    Raises:
        MedresError: when one cannot be used.
    """
    listed, own = worklist(), classifier()
    found = [own] if own is not None else []
    found += [model_at(place) for place in (listed.model_folders.values() if listed else ()) if place.is_dir()]
    by_digest = {one.model.digest: one for one in reversed(found)}
    return {_name(one): one for one in reversed(by_digest.values())}


def _name(one: Classifier) -> str:
    return f"{one.model.spec.name} {one.model.spec.version} ({one.model.digest[:8]})"


def overviews(days: int | None = None) -> dict[str, tuple[str, Overview]]:
    """Count what each model did, by its digest: (name and version, counts).

    Args:
        days: only the newest so many days on which scans were scored; None takes all.
    """
    listed = worklist()
    found = {}
    for digest, name in listed.models.items() if listed else ():
        rows = _newest([row for row in listed.rows if row.model_digest == digest], days) if listed else []
        found[digest] = (name, overview_of(rows, _reference(digest)))
    return found


def _newest(rows: list[LedgerRow], days: int | None) -> list[LedgerRow]:
    known = sorted({row.finished_at[:10] for row in rows})[-days:] if days else None
    return rows if known is None else [row for row in rows if row.finished_at[:10] in known]


def _reference(digest: str) -> list[float] | None:
    """Read the validation scores of a model, where it is here, whole and brings them."""
    listed = worklist()
    place = listed.model_folders.get(digest) if listed else None
    if place is None or not place.is_dir():
        return None
    try:
        scores = validation_scores(model_at(place).model)
    except MedresError:
        return None
    return None if scores is None else [float(x) for group in scores for x in group]


def agreement() -> dict[str, object] | None:
    """Report how readers agree, under pseudonyms; None where nobody has finished a study.

    Raises:
        StoreError: when the review store cannot be used.
    """
    progress = all_readers()
    if not any(one.final is not None for readers in progress.values() for one in readers.values()):
        return None
    return agreement_report(with_pseudonyms(progress, load_site_key()))


def trail_head() -> Head:
    """Prove the trail of readings and give its head.

    Raises:
        StoreError: E_REVIEW_TRAIL when it was tampered with; or when it cannot be used.
    """
    return review_store().verify()


def documents() -> tuple[Document, ...]:
    """Find evaluations, audits and manifests beside the results and the models."""
    listed, given = worklist(), settings().model
    places = [place for one in folders() for place in (one, one.parent)]
    places += [place.parent for place in (listed.model_folders.values() if listed else ())]
    return _documents(tuple(dict.fromkeys([*places, *([given.parent] if given else [])])))


@st.cache_resource(max_entries=2, ttl=60, show_spinner="Looking for evaluations ...")
def _documents(places: tuple[Path, ...]) -> tuple[Document, ...]:
    return find_documents(places)
