"""A page is printed where there is a browser, and nothing is left where there is none."""

from __future__ import annotations

import pytest

from medres.results.pdf import can_print, write_pdf


@pytest.fixture
def page(tmp_path):
    (tmp_path / "page.html").write_text("<p>Research use only.</p>")
    return tmp_path / "page.html"


@pytest.mark.browser
def test_a_page_becomes_a_pdf(page, tmp_path):
    if not can_print():
        pytest.skip("Chromium is not installed")
    assert write_pdf(page, tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_browser_there_is_no_pdf(page, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not can_print()
    assert not write_pdf(page, tmp_path / "page.pdf")
    assert not (tmp_path / "page.pdf").exists()


def test_a_browser_that_fails_leaves_no_pdf(page, tmp_path, monkeypatch):
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert not write_pdf(page, tmp_path / "page.pdf")
