"""An item of the worklist -> its scan, the model's opinion and its heatmap, computed once and kept for all sessions.

Knows no reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st

from app.settings import settings
from app.state.folders import folder, worklist
from medres.classifier import Classifier, load_classifier
from medres.explain.gradcam import build_heatmap
from medres.explain.heatmap import Heatmap
from medres.results.standing import Standing, find_standing
from medres.review.opinion import Opinion, opinion_of_prediction
from medres.review.scans import read_item
from medres.review.scene import Buffer, describe_volume, encode_voxels
from medres.review.worklist import WorklistItem
from medres.volume import Volume

STUDIES_KEPT = 3  # decoded scans kept in memory, for all sessions together
HEATMAPS_KEPT = 32


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """A scan in memory, once for all sessions.

    Attributes:
        item: of the worklist.
        volume: the scan.
        buffer: its values as they travel to the screen.
        described: how they are to be read and hung; shared, so that nobody changes it.
    """

    item: WorklistItem
    volume: Volume
    buffer: Buffer
    described: Mapping[str, Any]


def open_volume(item: WorklistItem, volume: Volume) -> OpenStudy:
    """Prepare all that a canvas asks for of a scan: once, for a first window looks at millions of voxels."""
    buffer = encode_voxels(volume)
    return OpenStudy(item, volume, buffer, describe_volume(volume, buffer.kind))


# Scans that any session still holds, so that one pushed out of the cache is not read a second time beside itself.
_IN_USE: WeakValueDictionary[tuple[Path | None, str, str], OpenStudy] = WeakValueDictionary()


def study(item: WorklistItem) -> OpenStudy:
    """Read a scan, or take it from memory.

    Args:
        item: of the worklist.

    Raises:
        MedresError: when the scan cannot be read.
    """
    name = (folder(), item.key, item.scan_digest)
    found = _IN_USE.get(name)
    if found is None:
        found = _IN_USE[name] = _study(*name, item)
    return found


@st.cache_resource(max_entries=STUDIES_KEPT, show_spinner="Reading the scan ...")
def _study(place: Path | None, key: str, digest: str, _item: WorklistItem) -> OpenStudy:
    return open_volume(_item, read_item(_item))


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


def heatmap_made(opened: OpenStudy) -> Heatmap | None:
    """Give the heatmap that this session has made of a study, or None."""
    return heatmap(opened) if opened.item.key in st.session_state.get("explained", set()) else None


def heatmap(opened: OpenStudy, chosen: Classifier | None = None) -> Heatmap:
    """Make the heatmap of an answered scan, or take it from memory.

    Args:
        opened: the scan.
        chosen: the model; None takes the worklist's own.

    Raises:
        MedresError: when it cannot be made.
    """
    model = chosen or classifier()
    assert model is not None  # asked only where can_explain
    made = _make_heatmap(model, opened)
    st.session_state.setdefault("explained", set()).add(opened.item.key)
    return made


def _make_heatmap(model: Classifier, opened: OpenStudy) -> Heatmap:
    return _heatmap(model.model.digest, opened.volume.origin.content_digest, model, opened)


@st.cache_resource(max_entries=HEATMAPS_KEPT, show_spinner="Making the heatmap ...")
def _heatmap(model_digest: str, scan_digest: str, _model: Classifier, _opened: OpenStudy) -> Heatmap:
    return build_heatmap(_model, _opened.volume)
