"""AppTest on the viewer's script, with a folder of results behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import FOLDER_VARIABLE, MODEL_VARIABLE, PEOPLE_VARIABLE
from tests.results_folder import build_results

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
PATIENCE = 60  # seconds


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return build_results(tmp_path_factory.mktemp("results"))


@pytest.fixture
def own_results(results, tmp_path):
    """The same results with a review store of their own."""
    copied = shutil.copytree(results.parent, tmp_path / "all", ignore=shutil.ignore_patterns("review*"))
    return Path(copied) / "results"


@pytest.fixture
def start(monkeypatch):
    """`start(folder, model, page, **session)`: runs the whole viewer, or one page alone by its module's name."""

    def begin(folder=None, model=None, page: str = "", **session) -> AppTest:
        st.cache_resource.clear()
        for name, value in ((FOLDER_VARIABLE, folder), (MODEL_VARIABLE, model)):
            monkeypatch.setenv(name, str(value)) if value else monkeypatch.delenv(name, raising=False)
        alone = f"from app.screens import {page}\n{page}.draw()"
        make = AppTest.from_string if page else AppTest.from_file
        test = make(alone if page else str(MAIN), default_timeout=PATIENCE)
        for name, value in session.items():
            test.session_state[name] = value
        return test.run()

    return begin


def words(test) -> str:
    """All text on the page."""
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader", "metric", "text")
    text = " ".join(str(one.value) for kind in kinds for one in getattr(test, kind))
    return text.replace("\\", "")


class SignedIn(dict):
    """What Streamlit tells of whoever signed in."""

    def __init__(self, email: str) -> None:
        super().__init__(is_logged_in=True, email=email)


@pytest.fixture
def sign_in(monkeypatch, tmp_path):
    """`sign_in(email)`: lets the viewer believe so; ann reads, bea reviews, cy administers."""
    people = tmp_path / "people.toml"
    people.write_text('schema_version = 1\nreader = ["ann@b.org"]\nreviewer = ["bea@b.org"]\nadmin = ["cy@b.org"]\n')

    def become(email: str) -> None:
        monkeypatch.setenv(PEOPLE_VARIABLE, str(people))
        monkeypatch.setattr(st, "user", SignedIn(email))

    return become
