"""A command that serves pages -> its address once it answers, and how Chromium runs without a screen.

For screenshots, benchmarks and browser tests; the viewer itself does not need it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = os.environ.get("MEDRES_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
START_SECONDS = 90


def free_port() -> int:
    """Find a port on 127.0.0.1 that nobody listens at."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes]) -> str:
    """Wait until a viewer answers.

    Args:
        port: on 127.0.0.1.
        server: its process.

    Returns:
        Its address.

    Raises:
        RuntimeError: it ended, or did not answer within 90 s.
    """
    address = f"http://127.0.0.1:{port}"
    for _ in range(START_SECONDS * 10):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return address
    raise RuntimeError("the viewer did not start")


def view_words(folder: Path, port: int) -> list[str]:
    """Give the words of `medres view` on a folder, at a port, without opening a browser."""
    return [sys.executable, "-m", "pipelines.cli", "view", str(folder), "--port", str(port), "--no-browser"]


@contextmanager
def running(words: Sequence[str], port: int, **environment: str) -> Iterator[tuple[str, int]]:
    """Run a viewer; gives its address and its process, and ends it.

    Args:
        words: of the command.
        port: that it serves at.
        environment: beside the present one.
    """
    full = {**os.environ, **environment}
    server = subprocess.Popen(words, env=full, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield wait_for(port, server), server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)
