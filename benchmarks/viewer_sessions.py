"""How much the viewer holds and how fast it begins -> server memory by open pages, a long worklist's opening.

    python -m benchmarks.viewer_sessions --out benchmarks/out [--write docs/benchmarks.md]

`medres view` itself in headless Chromium, each page a session of its own. Memory is the server's resident set once the
whole study has arrived in every page; the study alone is 200 MiB. The worklist is timed from the address to its rows
on the page, by the page's own clock; the first opening, which loads the ledger, stands apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from app.headless import ARGUMENTS, CHROMIUM, free_port, running, view_words
from benchmarks.page import write_section
from benchmarks.viewer import SETTLE_MS, summarise
from benchmarks.viewer_clock import WAIT_MS, time_until_shown
from medres.ledger import Ledger, LedgerRow
from medres.review.worklist import open_worklist

SHAPE, SESSIONS = (512, 512, 400), 4
ROWS, OPENINGS = 5000, 12
MIB = 2**20
ROWS_SHOWN = '[data-testid="stDataFrame"] canvas'
SIZE = ViewportSize(width=1440, height=900)


def viewing(folder: Path) -> AbstractContextManager[tuple[str, int]]:
    """Run `medres view` on a folder; gives its address and its process."""
    port = free_port()
    return running(view_words(folder, port), port)


def resident_mib(process: int) -> float:
    """Read how much memory a process holds, MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def write_study(folder: Path) -> None:
    """Write one CT of noise as intake finds it on disk."""
    noise = np.random.default_rng(0).integers(-200, 300, (*SHAPE[:2], 16)).astype(np.int16)
    voxels = np.asfortranarray(np.tile(noise, (1, 1, SHAPE[2] // 16)))
    image = nib.Nifti1Image(voxels, np.diag([-0.8, -0.8, 1.5, 1.0]))
    image.set_sform(image.affine, 1)
    nib.save(image, folder / "study.nii")


def write_ledger(folder: Path) -> None:
    """Write the results of many studies, without their scans."""
    with closing(Ledger(folder / "ledger.sqlite")) as ledger:
        ledger._base.execute("PRAGMA synchronous = OFF")
        for n in range(ROWS):
            decision = "positive" if n % 5 == 0 else "negative"
            row = LedgerRow(f"ct-{n:05d}", "a" * 64, "b" * 64, "ok", modality="CT", model_name="m", decision=decision)
            ledger.record(replace(row, probability=n / ROWS))


def measure_memory(browser: Browser, folder: Path) -> list[float]:
    """Open the study in one session after the other; gives the server's MiB without any, with 1, 2, ..."""
    key = open_worklist(folder).items[0].key
    with viewing(folder) as (address, process):
        _open(browser.new_context(viewport=SIZE), address)[0].context.close()  # its thumbnail has read the scan
        held = [resident_mib(process)]
        for _ in range(SESSIONS):
            page = browser.new_context(viewport=SIZE).new_page()
            page.goto(f"{address}/reading?study={key}")
            page.locator('.medres[data-ready="all"]').wait_for(timeout=WAIT_MS)
            page.wait_for_timeout(1000)
            held.append(resident_mib(process))
    return held


def time_worklist(browser: Browser, folder: Path) -> tuple[float, list[float]]:
    """Open the worklist several times in one browser; gives the milliseconds of the first time and of the others."""
    times = []
    with viewing(folder) as (address, _):
        context = browser.new_context(viewport=SIZE)
        for _ in range(OPENINGS + 1):
            page, took = _open(context, address)
            times.append(took)
            page.wait_for_timeout(SETTLE_MS)
            page.close()
    return times[0], times[1:]


def _open(context: BrowserContext, address: str) -> tuple[Page, float]:
    page = context.new_page()
    return page, time_until_shown(page, address, ROWS_SHOWN)


def table(held: list[float], first: float, openings: list[float]) -> str:
    """Lay the figures out in Markdown."""
    study = np.prod(SHAPE) * 2 / MIB
    many, one = summarise(openings), held[1] - held[0]
    return "\n".join(
        [
            "## Viewer: sessions and worklist",
            "",
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; headless Chromium; `medres view` itself.",
            "",
            "| what | measured |",
            "|---|---|",
            f"| server with the worklist open, whose thumbnail has read the study | {held[0]:.0f} MiB |",
            f"| a {' × '.join(map(str, SHAPE))} study ({study:.0f} MiB) open in one session | + {one:.0f} MiB |",
            f"| the same study open in {SESSIONS} sessions | + {held[-1] - held[0]:.0f} MiB |",
            f"| worklist of {ROWS} rows, first opening after the start | {first:.0f} ms |",
            f"| worklist of {ROWS} rows, {len(openings)} further openings in one browser, median (p95) "
            f"| {many['median']:.0f} ({many['p95']:.0f}) ms |",
        ]
    )


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    parser.add_argument("--write", type=Path, help="Markdown file to put the table into")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        scans, results = Path(place, "scans"), Path(place, "results")
        scans.mkdir()
        write_study(scans)
        write_ledger(results)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        first, openings = time_worklist(browser, results)
        held = measure_memory(browser, scans)
        browser.close()
    given.out.mkdir(parents=True, exist_ok=True)
    told = {"resident_mib": held, "worklist_ms": [first, *openings], "median_ms": statistics.median(openings)}
    (given.out / "viewer_sessions.json").write_text(json.dumps(told, indent=2))
    text = table(held, first, openings)
    sys.stdout.write(text + "\n")
    if given.write:
        write_section(given.write, "viewer sessions", text)


if __name__ == "__main__":
    main()
