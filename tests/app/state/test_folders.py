"""The folder that was given, or this session's upload, is the worklist; an upload goes with its session."""

from __future__ import annotations

import gc
import io
import os
import stat
import sys
import threading

import pytest
import streamlit as st

from app import state
from medres.errors import MedresError, StoreError

HOSTILE = ("../../etc/Doe^Jane.nii.gz", "C:\\scans\\..\\x.nii.gz", "a\n<script>.nii.gz")


@pytest.fixture
def scan(results):
    return (results.parent / "scans" / "a.nii.gz").read_bytes()


@pytest.fixture
def session(start, results):
    start(results)
    st.session_state.clear()


@pytest.mark.parametrize("name", HOSTILE)
def test_an_upload_becomes_the_worklist_under_names_of_our_own(session, scan, name):
    before = {item.key for item in state.worklist().items}
    state.receive_upload([(name, io.BytesIO(scan))], "CT")
    place = state.uploaded().scans
    assert len(state.worklist().items) == 1 < len(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    kept = [path for _, _, files in os.walk(place) for path in files]
    assert not any(word in kept[0] for word in ("Doe", "script", ".."))
    state.leave_upload()
    assert {item.key for item in state.worklist().items} == before


def test_what_is_no_scan_is_refused_and_the_worklist_stays(session):
    before = {item.key for item in state.worklist().items}
    with pytest.raises(MedresError, match="E_UPLOAD"):
        state.receive_upload([("scan.dcm", io.BytesIO(b"MZ" + bytes(200)))], None)
    assert state.uploaded() is None
    assert {item.key for item in state.worklist().items} == before


def test_an_upload_is_deleted_with_its_session(session, scan):
    state.receive_upload([("a.nii.gz", io.BytesIO(scan))], "CT")
    place = state.uploaded().scans.parent
    assert place.is_dir()
    st.session_state.clear()
    gc.collect()
    assert not place.exists()


def test_the_worklist_is_listed_before_a_reader_asks(start, results, monkeypatch):
    start(results)
    listed = state.worklist()
    monkeypatch.setattr(sys.modules["app.state.folders"], "open_worklist", None)  # what is listed is not listed again
    thread = threading.Thread(target=state.list_ahead)
    thread.start()
    thread.join()
    assert state.worklist() is listed


def test_what_cannot_be_listed_waits_for_the_page_to_say_so(start, tmp_path, monkeypatch):
    def refuse(*_):
        raise StoreError("E_LEDGER", "the ledger must be one of this program, got another", "")

    start(tmp_path)
    monkeypatch.setattr(sys.modules["app.state.folders"], "open_worklist", refuse)
    state.list_ahead()
