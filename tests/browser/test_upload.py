"""Uploads from the page in Chromium: hostile names and files are refused in a sentence, sound ones scored and read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.viewer_process import canvas, watch
from tests.results_folder import build_results

pytestmark = pytest.mark.browser
LONG = 60_000  # ms
NAME = '../../"><img src=x onerror=alert(1)>Doe^Jane MRN-778812.nii.gz'
CANARIES = ("Doe", "Jane", "MRN-778812", "onerror", "etc/passwd")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return build_results(tmp_path_factory.mktemp("uploads"))


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def send(page: Page, name: str, content: bytes, modality: str = "") -> None:
    """Give one file to the page and press the button."""
    chooser = page.locator('input[type="file"]:not([webkitdirectory])')
    form = page.locator('[data-testid="stForm"]').filter(has=chooser)
    if not form.is_visible():
        page.get_by_text("Add scans: DICOM files or a zip of them").click()
    if modality:
        form.get_by_role("combobox").first.click()
        page.get_by_role("option", name=modality, exact=True).click()
    chooser.set_input_files(FilePayload(name=name, mimeType="application/octet-stream", buffer=content))
    form.get_by_role("button", name="Remove", exact=False).first.wait_for(timeout=LONG)
    page.wait_for_timeout(1000)  # the file's bytes are on their way
    form.get_by_role("button", name="Open these scans").click()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("scan.nii", b"MZ" + bytes(400), "E_UPLOAD"),
        ("scan.dcm", b"#!/bin/sh\nrm -rf /\n", "E_UPLOAD"),
        ("../../../etc/passwd", b"root:x:0:0", "E_UPLOAD"),
        ("up.zip", zipped("../../../etc/passwd.dcm", b"x" * 200), "E_ARCHIVE"),
        ("bomb.zip", zipped("a.dcm", bytes(60_000_000)), "E_ARCHIVE"),
    ],
    ids=["program", "script", "no scan", "path", "bomb"],
)
def test_a_hostile_file_is_refused_in_one_sentence_and_the_list_stays(page, viewer, name, content, words):
    page.goto(viewer.address)
    expect(page.get_by_text("5 of 5 series")).to_be_visible(timeout=LONG)
    send(page, name, content)
    expect(page.get_by_text(words).first).to_be_visible(timeout=LONG)
    expect(page.get_by_text("5 of 5 series")).to_be_visible()
    assert "passwd" not in page.locator("body").inner_text()


def test_an_upload_with_a_hostile_name_is_scored_with_progress_read_and_named_nowhere(page, viewer, results):
    dialogs: list[str] = []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    asked = watch(page)
    page.goto(viewer.address)
    expect(page.get_by_text("5 of 5 series")).to_be_visible(timeout=LONG)
    send(page, NAME, (results.parent / "scans" / "a.nii.gz").read_bytes(), "CT")
    expect(page.get_by_text("1 series: 1 scored")).to_be_visible(timeout=LONG)
    shown = " ".join([page.title(), page.url, page.locator("body").inner_text(), *asked])
    assert [word for word in CANARIES if word in shown] == []
    page.get_by_role("button", name="Read the first unread study").click()
    canvas(page)
    expect(page.get_by_text("Your first reading")).to_be_visible()
    assert dialogs == []
