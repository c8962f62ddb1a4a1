"""A `medres view` of its own, that a test may kill and start again at the same address."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import Locator, Page

from app.headless import free_port, view_words, wait_for

ROOT = Path(__file__).resolve().parents[2]

FRAME = "(box) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"


class Viewer:
    """The server, its folder and its address."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder, self.more, self.port = folder, more, free_port()
        self.process: subprocess.Popen | None = None
        self.address = self.start()

    def start(self) -> str:
        full = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [*view_words(self.folder, self.port), *self.more],
            cwd=ROOT,
            env=full,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return wait_for(self.port, self.process)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)


def canvas(page: Page, ready: str = '[data-ready="all"]') -> Locator:
    """Wait for the canvas in one state."""
    box = page.locator(f".medres{ready}")
    box.wait_for(timeout=60000)
    return box


def watch(page: Page) -> list[str]:
    """Gather the addresses that a page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked
