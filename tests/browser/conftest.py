"""Chromium and servers for the browser tests; without Chromium they are skipped with the reason, in CI they fail."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("MEDRES_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
START_SECONDS = 60


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = "Chromium is not installed; set MEDRES_CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    made = context.new_page()
    made.faults = []  # type: ignore[attr-defined]
    made.on("pageerror", lambda fault: made.faults.append(str(fault)))  # type: ignore[attr-defined]
    yield made
    context.close()
    assert made.faults == []  # type: ignore[attr-defined]


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen) -> str:
    address = f"http://127.0.0.1:{port}"
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return address
    raise RuntimeError("the viewer did not start")


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """`serve(command)`: starts a server with `{port}` filled in, gives its address, ends it after the tests."""
    started: list[subprocess.Popen] = []

    def start(command: list[str], **environment: str) -> str:
        port = free_port()
        full = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
        words = [sys.executable, *(word.format(port=port) for word in command)]
        log = (tmp_path_factory.mktemp("server") / "log.txt").open("wb")
        process = subprocess.Popen(words, cwd=ROOT, env=full, stdout=log, stderr=subprocess.STDOUT)
        started.append(process)
        return wait_for(port, process)

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=20)
