"""The environment is read as `medres view` writes it."""

from __future__ import annotations

from pathlib import Path

from app.settings import FOLDER_VARIABLE, OPINION_VARIABLE, settings


def test_the_opinion_is_hidden_unless_it_was_asked_for(monkeypatch):
    monkeypatch.delenv(OPINION_VARIABLE, raising=False)
    assert settings().opinion_hidden
    monkeypatch.setenv(OPINION_VARIABLE, "shown")
    assert not settings().opinion_hidden
    monkeypatch.setenv(OPINION_VARIABLE, "locked")
    assert settings().opinion_hidden


def test_an_unknown_word_about_the_opinion_hides_it(monkeypatch):
    monkeypatch.setenv(OPINION_VARIABLE, "perhaps")
    assert settings().opinion == "hidden"


def test_the_folder_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, "/a b/-- c")
    assert settings().folders == (Path("/a b/-- c"),)
    monkeypatch.setenv(FOLDER_VARIABLE, "/a\n/b")
    assert settings().folders == (Path("/a"), Path("/b"))
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert settings().folders == ()
