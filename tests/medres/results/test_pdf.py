"""A page becomes a PDF where a browser prints, and nothing is left where it fails."""

import os

import pytest

from medres.results import pdf
from medres.results.pdf import can_print, write_pdf

PAGE = "<!DOCTYPE html><html><body><p>Table 1. A page to print.</p></body></html>"


def fake_browser(folder, script: str) -> str:
    """A program of a browser's name that does what the script says."""
    program = folder / "some-browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program.name


def test_no_pdf_without_a_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    (tmp_path / "report.html").write_text(PAGE)
    assert not can_print()
    assert write_pdf(tmp_path / "report.html", tmp_path / "report.pdf") is False


@pytest.mark.parametrize("script", ["exit 3", "exit 0", "exec sleep 5"])
def test_a_browser_that_fails_writes_nothing_or_hangs_leaves_no_pdf(tmp_path, monkeypatch, script):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(pdf, "BROWSERS", (fake_browser(tmp_path, script),))
    monkeypatch.setattr(pdf, "PDF_SECONDS", 0.5)
    (tmp_path / "report.html").write_text(PAGE)
    assert write_pdf(tmp_path / "report.html", tmp_path / "report.pdf") is False
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.browser
def test_a_page_becomes_a_pdf_through_the_browser(tmp_path):
    if not can_print():
        pytest.skip("no Chromium here")
    (tmp_path / "report.html").write_text(PAGE)
    assert write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(content) > 3000
