"""What the canvas is given: series beside the open one, priors, thumbnails, no identifier."""

from __future__ import annotations

import io
import json

import pytest
import streamlit as st
from PIL import Image

from app import state
from app.doors import SHELF
from medres.errors import MedresError
from medres.review.beside import first_path
from tests.study_folder import build_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_study(tmp_path_factory.mktemp("patient"))


@pytest.fixture
def opened(start, folder):
    start(folder)
    st.session_state.clear()
    return {first_path(item).parent.name: item for item in state.worklist().items}


def test_the_scene_lists_the_study_and_its_prior_and_holds_what_was_asked_for(opened):
    study = state.study(opened["a"])
    state.show_beside(study, opened["0"].key)
    scene = state.scene(study, (), {})
    assert [one["key"] for one in scene["series"]] == [opened[name].key for name in ("a", "b", "c", "0")]
    assert [one["key"] for one in scene["others"]] == [opened["0"].key]
    assert scene["others"][0]["prior"] == "Prior, 184 days before"
    assert scene["frame"]
    assert scene["frame"] != scene["others"][0]["frame"]


def test_the_scene_names_nobody(opened):
    text = json.dumps(state.scene(state.study(opened["a"]), (), {}))
    assert not any(canary in text for canary in ("Doe", "MRN", "CANARY", "20200102", "20190702"))


def test_a_thumbnail_is_drawn_when_it_is_asked_for(opened):
    scene = state.scene(state.study(opened["a"]), (), {})
    draw = SHELF.find(scene["series"][1]["thumb"].rsplit("/", 1)[1])
    assert Image.open(io.BytesIO(draw())).format == "PNG"
    assert scene["series"][2]["thumb"] == ""  # refused: nothing to look at


def test_a_tilted_scan_is_offered_on_the_patients_axes_and_says_so(opened):
    study = state.study(opened["b"])
    key = next(one["key"] for one in state.scene(study, (), {})["series"] if one["reformatted"])
    state.show_beside(study, key)
    shown = state.scene(study, (), {})["others"][0]
    assert all("reformatted to patient axes" in plane["title"] for plane in shown["planes"])


def test_a_series_that_is_not_of_the_study_is_refused(opened):
    with pytest.raises(MedresError, match="E_NOT_FOUND"):
        state.show_beside(state.study(opened["a"]), "another")


def test_a_scan_that_a_session_holds_is_not_read_again_when_the_cache_forgets_it(opened):
    held = state.study(opened["a"])
    st.cache_resource.clear()
    assert state.study(opened["a"]) is held
