"""Chromium and servers for the browser tests; without Chromium they are skipped with the reason, in CI they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.headless import ARGUMENTS, CHROMIUM, free_port, wait_for
from tests.browser.viewer_process import ROOT, Viewer


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        reason = "Chromium is not installed; set MEDRES_CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
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


@pytest.fixture(scope="module")
def viewer(results: Path) -> Iterator[Viewer]:
    """`medres view` on a module's own `results`, which its tests may kill and start again."""
    started = Viewer(results)
    yield started
    started.kill()
