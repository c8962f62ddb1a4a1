"""Folders of scans -> a PNG of each page, taken in headless Chromium; for the README and for looking at.

Run as `python -m app.screenshots OUT FOLDER ...`; of several folders each has a folder of its own in OUT.
Knows the pages from outside only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from app.headless import ARGUMENTS, CHROMIUM, free_port, running, view_words
from medres.review.worklist import WorklistItem, open_worklist

SIZE = ViewportSize(width=1440, height=900)
PAGE_MS = 90_000
SETTLE_MS = 1500  # after the last drawing, for thumbnails
MOST_STUDIES = 20
PAGES = {"model": "Operating points", "data": "", "dashboard": "Readers"}  # what stands on each with a model


def shoot_worklist(page: Page, address: str, out: Path) -> None:
    """Take the worklist, with its scores shown."""
    page.goto(address)
    page.locator('[data-testid="stDataFrame"]').wait_for(timeout=PAGE_MS)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out)


def shoot_reading(page: Page, address: str, item: WorklistItem, out: Path, *, heat: bool) -> None:
    """Take one study; where it has a heatmap, at its first region, and without it where none comes in time."""
    page.goto(f"{address}/reading?study={item.key}")
    page.locator('.medres[data-ready="all"]').wait_for(timeout=PAGE_MS)
    if heat and not _show_heat(page):
        sys.stderr.write(f"{out.name}: no heatmap came, taken without it\n")
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out)


def _show_heat(page: Page) -> bool:
    """Reveal the opinion where it waits, wait for its heatmap, go to its first region; tell whether it came."""
    reveal = page.get_by_role("button", name="Show the opinion without a reading")
    try:
        reveal.or_(page.get_by_text("Your final reading", exact=True)).first.wait_for(timeout=PAGE_MS)
        if reveal.count():
            reveal.click()
        heat = page.locator('.medres[data-ready="all"][data-heat="yes"]')
        heat.or_(page.get_by_text("No heatmap:")).first.wait_for(timeout=PAGE_MS)
    except PlaywrightTimeout:
        return False
    if not heat.count():
        return False
    place = page.get_by_role("button", name="Go to", exact=True)
    if place.count():
        place.first.click()
        page.wait_for_timeout(SETTLE_MS)
    page.locator('[class*="st-key-side-"]').evaluate("(side) => side.scrollTo(0, 0)")
    page.locator(".medres .port.active").focus()
    page.keyboard.press("h")
    return True


def shoot_folder(browser: Browser, folder: Path, out: Path, studies: int) -> list[Path]:
    """Take every page of one folder; gives the pictures, named by their pages.

    Args:
        browser: Chromium.
        folder: results of `medres score`, or scans.
        out: where they go; made where it is missing.
        studies: at most so many, the first in the worklist.

    Returns:
        worklist.png, reading.png, reading-2.png and so on, model.png, data.png, dashboard.png.
    """
    out.mkdir(parents=True, exist_ok=True)
    listed = open_worklist(folder)
    here = {digest for digest, place in listed.model_folders.items() if place.is_dir()}
    made = [out / "worklist.png"]
    port = free_port()
    with running(view_words(folder, port), port) as (address, _):
        page = browser.new_page(viewport=SIZE)
        shoot_worklist(page, address, made[0])
        for number, item in enumerate([item for item in listed.items if item.readable][:studies], start=1):
            made.append(out / (f"reading-{number}.png" if number > 1 else "reading.png"))
            heat = any(said.probability is not None and said.model_digest in here for said in item.opinions)
            shoot_reading(page, address, item, made[-1], heat=heat)
        for path, words in PAGES.items():
            made.append(out / f"{path}.png")
            shoot_page(page, f"{address}/{path}", words if here else "", made[-1])
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
    parser.add_argument("--studies", type=int, default=MOST_STUDIES, help="at most so many of each folder")
    given = parser.parse_args()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for folder in given.folders:
            out = given.out / folder.resolve().name if len(given.folders) > 1 else given.out
            for picture in shoot_folder(browser, folder, out, given.studies):
                sys.stdout.write(f"{picture}\n")
        browser.close()


if __name__ == "__main__":
    main()
