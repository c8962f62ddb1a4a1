"""The open study -> all that its canvas needs: its scan, the series beside it, heatmaps, the reader's mark.

Knows no widget. Scans beside the open one are read when the reader asks for them, and held as long as this session
shows them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.session import Tokens
from app.state.folders import folder, model_line, worklist
from app.state.readings import mark, mark_region
from app.state.studies import OpenStudy, open_volume, study
from medres.errors import MedresError
from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER
from medres.review.beside import Beside, series_beside
from medres.review.opinion import Opinion
from medres.review.reformat import TITLE, can_reformat, to_patient_axes
from medres.review.scans import find_item
from medres.review.scene import describe_heatmap, encode_heat
from medres.review.series_list import REFORMATTED, describe_reformatted, describe_series, group_of, title_of
from medres.review.thumbnails import thumbnail_of_series
from medres.review.worklist import WorklistItem

MOST_BESIDE = 4  # scans that one session holds beside the open one
THUMBNAILS_KEPT = 4000
_ONE_AT_A_TIME = threading.Lock()  # thumbnails are read behind the scenes and must not crowd out the scan


def scene(opened: OpenStudy, said: Sequence[Opinion], heats: Mapping[str, Heatmap]) -> dict[str, Any]:
    """Say all that the canvas needs of a study.

    Args:
        opened: the scan.
        said: what may be shown of the models; empty shows nothing of them.
        heats: by model digest, what may be shown; empty shows none.
    """
    st.session_state["held"] = opened
    key, listed = opened.item.key, series_of(opened.item)
    own = next(one for one in listed if one.item.key == key)
    models = ", ".join(one.model for one in said or opened.item.opinions) or model_line()
    described = _described(key, opened, own) | {"heatmaps": _heats(key, said, heats), "study": key}
    described["captions"] |= {"model": models, "disclaimer": DISCLAIMER}
    region = mark_region()
    marked = mark()
    return described | {
        "series": _series(opened, listed),
        "others": [_described(key, *one) for one in _shown(opened, listed)],
        "goTo": st.session_state.get("go_to"),
        "mark": {"mm": marked, **(region or {})} if marked else None,
    }


def series_of(item: WorklistItem) -> tuple[Beside, ...]:
    """List the series of an item's study, and the patient's priors."""
    listed = worklist()
    return series_beside(listed, item) if listed else (Beside(item),)


def show_beside(opened: OpenStudy, key: str) -> None:
    """Read another series for this session's canvas; the one that was asked for longest ago makes room.

    Args:
        opened: the scan that is read.
        key: from the series list of its scene.

    Raises:
        MedresError: when it cannot be read.
    """
    held: dict[str, OpenStudy] = st.session_state.setdefault("beside", {})
    held[key] = held.pop(key) if key in held else _read(opened, key)
    for old in list(held)[:-MOST_BESIDE]:
        del held[old]
        _tokens().end(f"volume {old}")


def _read(opened: OpenStudy, key: str) -> OpenStudy:
    if key == opened.item.key + REFORMATTED:
        return _reformatted(key, opened.item.scan_digest, folder(), opened)
    found = next((one for one in series_of(opened.item) if one.item.key == key), None)
    if found is None:
        raise MedresError("E_NOT_FOUND", "this series is not in the study any more", "open the study again")
    return study(found.item)


@st.cache_resource(max_entries=1, show_spinner="Reformatting to the patient's axes ...")
def _reformatted(key: str, digest: str, place: Path | None, _opened: OpenStudy) -> OpenStudy:
    return open_volume(_opened.item, to_patient_axes(_opened.volume))


def _tokens() -> Tokens:
    return st.session_state.setdefault("tokens", Tokens())  # type: ignore[no-any-return]


def _described(study_key: str, shown: OpenStudy, beside: Beside, key: str = "") -> dict[str, Any]:
    """Say how one scan is to be read, hung and captioned."""
    key = key or shown.item.key
    url = _tokens().address(study_key, f"volume {key}", shown.buffer.content)
    more = f", {TITLE}" if key.endswith(REFORMATTED) else ""
    return {
        **shown.described,
        "volume": {**shown.described["volume"], "url": url},
        "planes": [{**plane, "title": plane["title"] + more} for plane in shown.described["planes"]],
        "key": key,
        "frame": beside.heading.frame_key,
        "captions": {"study": shown.item.key, "series": title_of(beside)},
        "prior": "" if beside.same_study else group_of(beside),
    }


def _shown(opened: OpenStudy, listed: tuple[Beside, ...]) -> list[tuple[OpenStudy, Beside, str]]:
    """Give the scans that the reader asked for, each with what the list says of it."""
    by_key = {one.item.key: one for one in listed}
    held: dict[str, OpenStudy] = st.session_state.get("beside", {})
    found = [(one, by_key.get(key.removesuffix(REFORMATTED)), key) for key, one in held.items()]
    return [(one, beside, key) for one, beside, key in found if beside is not None]


def _series(opened: OpenStudy, listed: tuple[Beside, ...]) -> list[dict[str, Any]]:
    """Describe the list of series; one that lies off the patient's axes has its reformat after it."""
    entries = []
    for one in listed:
        subject = one.item.key == opened.item.key
        entries.append(describe_series(one, subject=subject, thumb=_thumb(opened, one) if len(listed) > 1 else ""))
        if subject and can_reformat(opened.volume):
            entries.append(describe_reformatted(one))
    return entries


def _thumb(opened: OpenStudy, one: Beside) -> str:
    """Give the address of a series' thumbnail; it is drawn when the browser asks for it."""
    if not one.item.readable:
        return ""
    return _tokens().address(opened.item.key, f"thumb {one.item.key}", lambda: _thumbnail(one.item))


def thumbnail_addresses(items: Sequence[WorklistItem]) -> dict[str, str]:
    """Give this session's addresses of worklist thumbnails, by key; each is drawn when the browser comes to show it."""
    tokens: Tokens = st.session_state.setdefault("list_tokens", Tokens())
    place = str(folder())
    return {item.key: tokens.address(place, item.key, partial(_thumbnail, item)) for item in items if item.readable}


def _thumbnail(item: WorklistItem) -> bytes:
    with _ONE_AT_A_TIME:
        try:
            return _drawn(item)
        except MedresError:
            return b""


@lru_cache(maxsize=THUMBNAILS_KEPT)
def _drawn(item: WorklistItem) -> bytes:
    return thumbnail_of_series(item.series or find_item(item))


def _heats(study_key: str, said: Sequence[Opinion], heats: Mapping[str, Heatmap]) -> list[dict[str, Any]]:
    names = {one.model_digest: one.model for one in said}
    return [
        {
            **describe_heatmap(heat),
            "model": names.get(digest, ""),
            "url": _tokens().address(study_key, f"heat {digest}", encode_heat(heat)),
        }
        for digest, heat in heats.items()
    ]
