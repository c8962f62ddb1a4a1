"""Viewers for screenshots, benchmarks and browser tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.headless import free_port, running, view_words, wait_for

ANSWER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Door(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""


def test_what_answers_is_given_with_its_process_and_ended():
    port = free_port()
    with running([sys.executable, "-c", ANSWER, str(port)], port) as (address, process):
        assert address == f"http://127.0.0.1:{port}"
        assert Path(f"/proc/{process}").exists()
    assert not Path(f"/proc/{process}").exists()


def test_a_viewer_that_ends_at_once_is_not_waited_for():
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", ""]) as server, pytest.raises(RuntimeError, match="did not start"):
        wait_for(port, server)


def test_a_folder_is_viewed_without_a_browser_of_its_own():
    assert view_words(Path("scans"), 8501)[1:] == [
        "-m", "pipelines.cli", "view", "scans", "--port", "8501", "--no-browser",
    ]  # fmt: skip
