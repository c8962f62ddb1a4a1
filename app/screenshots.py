"""Folders of scans -> a PNG of each page, taken in headless Chromium; for the README and for looking at.

Run as `python -m app.screenshots OUT FOLDER ...`. Knows the pages from outside only.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from medres.review.worklist import open_worklist

CHROMIUM = os.environ.get("MEDRES_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZE = ViewportSize(width=1440, height=900)
START_SECONDS, PAGE_MS = 90, 90_000
SETTLE_MS = 700  # after the last drawing
PAGES = {"model": "Operating points", "data": "", "dashboard": "Readers"}  # what stands on each with a model


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run `medres view` on a folder; gives its address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    words = [sys.executable, "-m", "pipelines.cli", "view", str(folder), "--port", str(port), "--no-browser"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield _wait(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(START_SECONDS * 5):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return address
    raise SystemExit("the viewer did not start")


def shoot_worklist(page: Page, address: str, out: Path) -> None:
    """Take the worklist, with its scores shown."""
    page.goto(address)
    page.locator('[data-testid="stDataFrame"]').wait_for(timeout=PAGE_MS)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out)


def shoot_reading(page: Page, address: str, key: str, out: Path, *, heat: bool, keys: str = "") -> None:
    """Take one study; with its heatmap where it has one."""
    page.goto(f"{address}/reading?study={key}")
    page.locator('.medres[data-ready="all"]').wait_for(timeout=PAGE_MS)
    reveal = page.get_by_role("button", name="Show the opinion without a reading")
    if heat and reveal.count():
        reveal.click()
    if heat:
        page.locator('.medres[data-ready="all"][data-heat="yes"]').wait_for(timeout=PAGE_MS)
        page.locator(".medres .port.main").focus()
        page.keyboard.press("h")
    for letter in keys:
        page.keyboard.press(letter)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out)


def shoot_folder(browser: Browser, folder: Path, out: Path, name: str) -> list[Path]:
    """Take every page of one folder; gives the pictures."""
    listed = open_worklist(folder)
    made = []
    with running(folder) as address:
        page = browser.new_page(viewport=SIZE)
        made.append(out / f"{name}-worklist.png")
        shoot_worklist(page, address, made[-1])
        for item in [item for item in listed.items if item.readable]:
            made.append(out / f"{name}-{item.key}.png")
            answered = item.opinion is not None and item.opinion.probability is not None
            shoot_reading(page, address, item.key, made[-1], heat=answered and listed.model_folder is not None)
        for path, words in PAGES.items():
            made.append(out / f"{name}-{path}.png")
            shoot_page(page, f"{address}/{path}", words if listed.model_folder is not None else "", made[-1])
        page.close()
    return made


def shoot_page(page: Page, address: str, words: str, out: Path) -> None:
    """Take one page as long as it is, once the words stand on it."""
    page.goto(address)
    page.locator(".medres-owner").wait_for(timeout=PAGE_MS)
    if words:
        page.get_by_text(words, exact=True).first.wait_for(timeout=PAGE_MS)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out, full_page=True)


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+", help="results of medres score, or scans")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for folder in given.folders:
            for picture in shoot_folder(browser, folder, given.out, folder.resolve().name):
                sys.stdout.write(f"{picture}\n")
        browser.close()


if __name__ == "__main__":
    main()
