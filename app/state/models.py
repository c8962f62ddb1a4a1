"""The open study -> what each model said of it, and each model's heatmap.

Knows no reader: what is still hidden is decided by the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from app.state.folders import worklist
from app.state.studies import OpenStudy, classifier, heatmap, opinion
from medres.classifier import Classifier, load_classifier
from medres.errors import MedresError
from medres.explain.heatmap import Heatmap
from medres.results.standing import Standing, find_standing
from medres.review.opinion import Opinion

MODELS_KEPT = 4


def opinions(opened: OpenStudy) -> tuple[Opinion, ...]:
    """Give what each model said of a study: the ledger's answers, or a fresh one where there is none.

    Raises:
        MedresError: when the model cannot be used.
    """
    if opened.item.opinions:
        return opened.item.opinions
    said = opinion(opened)
    return () if said is None else (said,)


def model_of(said: Opinion) -> Classifier | None:
    """Load the model that said it, where it is here and still the same; None elsewhere."""
    own = classifier()
    if own is not None and own.model.digest == said.model_digest:
        return own
    listed = worklist()
    place = listed.model_folders.get(said.model_digest) if listed else None
    if place is None or not place.is_dir():
        return None
    found = model_at(place)
    return found if found.model.digest == said.model_digest else None


def model_at(place: Path) -> Classifier:
    """Load the model of a folder.

    Raises:
        MedresError: when it cannot be used.
    """
    return _model(place)


@st.cache_resource(max_entries=MODELS_KEPT, show_spinner="Loading the model ...")
def _model(place: Path) -> Classifier:
    return load_classifier(place)


def explainable(said: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """Give those opinions that a heatmap can be made for: an answer, by a model that is here.

    Raises:
        MedresError: when a model cannot be used.
    """
    return tuple(one for one in said if one.probability is not None and model_of(one) is not None)


def standing_of(said: Opinion) -> Standing | None:
    """Place a score among the validation scores of the model that gave it, where it is here, whole and brings them."""
    try:
        model = model_of(said)
    except MedresError:
        return None
    return find_standing(model.model, said.probability) if model is not None else None


def members_of(said: Opinion) -> int:
    """Tell of how many members' answers this one is the mean; 0 for one network, or where the model is not here."""
    try:
        model = model_of(said)
    except MedresError:
        return 0
    return len(model.members) if model is not None else 0


def heatmaps_made(opened: OpenStudy, said: tuple[Opinion, ...]) -> Mapping[str, Heatmap]:
    """Give the heatmaps that this session has made of a study, by model digest, in the order of the opinions."""
    made = st.session_state.get("explained_by", set())
    wanted = [one for one in said if (opened.item.key, one.model_digest) in made]
    return {one.model_digest: make_heatmap(opened, one) for one in wanted}


def make_heatmap(opened: OpenStudy, said: Opinion) -> Heatmap:
    """Make one model's heatmap of a study, or take it from memory.

    Raises:
        MedresError: when it cannot be made.
    """
    made = heatmap(opened, model_of(said))
    st.session_state.setdefault("explained_by", set()).add((opened.item.key, said.model_digest))
    return made
