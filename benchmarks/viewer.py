"""How fast the viewer is under the hand -> a table beside the plain way (st.fragment + st.image) and NiiVue.

    python -m benchmarks.viewer --out benchmarks/out [--write docs/benchmarks.md]

Headless Chromium without a GPU. *First image* is timed from asking for the page, in a browser that has kept nothing,
by the page's own clock (`viewer_clock.py`); the ways take turns, each left to finish before the next one starts.
*Work* is the script's time for three planes with overlay (for NiiVue until its WebGL has drawn); *shown* ends two
frames later. The plain way is timed from the key to the new picture on the page. NiiVue is fetched from npm into a
folder that is thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from app.headless import ARGUMENTS, CHROMIUM, free_port, running
from benchmarks import viewer_peer
from benchmarks.page import write_section
from benchmarks.viewer_clock import WAIT_MS, time_until_shown

WITH_WEBGL = [*ARGUMENTS, "--enable-unsafe-swiftshader"]  # WebGL on the processor, for NiiVue
SHAPES = ("256x256x128", "512x512x400")
STEPS, PLAIN_STEPS, OPENINGS = 60, 8, 9
PEER_STEPS = {"256x256x128": 12}  # on larger ones NiiVue takes too long without a GPU to be timed
Times = dict[str, list[float]]  # milliseconds, by what was done
SETTLE_MS = 1000  # after everything came, so that no opening pays for the one before
READY = {
    "canvas": '.medres:not([data-ready="no"])',
    "plain": '[data-testid="stImage"] img',
    "niivue": '.peer[data-ready="all"]',
}
WHOLE = {
    "canvas": '.medres[data-ready="all"][data-heat="yes"]',
    "plain": '[data-testid="stApp"][data-test-script-state="notRunning"]',
    "niivue": '.peer[data-ready="all"]',
}
DRIVE = """async ([steps, what]) => {
    const walk = (root) => {
        for (const one of root.querySelectorAll("*")) {
            if (one.medres) return one;
            const inside = one.shadowRoot && walk(one.shadowRoot);
            if (inside) return inside;
        }
        return null;
    };
    const { medres } = walk(document);
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    medres.setHeat({ on: true });
    await frame(); await frame();
    const work = [], shown = [];
    for (let n = 0; n < steps; n++) {
        const start = performance.now();
        if (what === "window") medres.dragWindow(n % 2 ? -7 : 7, 0);
        else medres.goTo(medres.cursor.map((x, axis) => (x + 1) % medres.grid.shape[axis]));
        await frame(); await frame();
        shown.push(performance.now() - start);
        work.push(medres.lastWorkMs);
    }
    return { work, shown };
}"""


def serving(peer: Path | None) -> AbstractContextManager[tuple[str, int]]:
    """Run the benchmark's server, with the peer's scripts where there are any; gives its address and process."""
    port = free_port()
    words = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("viewer_server.py"))]
    options = {"server.address": "127.0.0.1", "server.port": port, "server.headless": "true"}
    options |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return running([*words, *flags], port, **({"MEDRES_PEER": str(peer)} if peer else {}))


def open_page(browser: Browser, address: str, way: str, shape: str) -> tuple[Page, float]:
    """Open the study; gives the page and the milliseconds until its first image."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    wanted = f"{address}/?way={way}&shape={shape}"
    took = time_until_shown(page, wanted, READY[way], in_component=way != "plain")
    page.locator(WHOLE[way]).first.wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(SETTLE_MS)
    return page, took


def time_openings(browser: Browser, address: str, ways: Sequence[str], shape: str) -> dict[str, list[float]]:
    """Open a study several times in each way, in turns; gives the times without the first, which make the study."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(OPENINGS + 1):
        for way in ways:
            page, took = open_page(browser, address, way, shape)
            times[way].append(took)
            page.close()
    return {way: taken[1:] for way, taken in times.items()}


def time_canvas(browser: Browser, address: str, shape: str) -> Times:
    """Time our canvas: slice steps in all planes at once, window changes."""
    return _driven(open_page(browser, address, "canvas", shape)[0], DRIVE, STEPS)


def time_peer(browser: Browser, address: str, shape: str) -> Times:
    """Time NiiVue the same way."""
    return _driven(open_page(browser, address, "niivue", shape)[0], viewer_peer.DRIVE, PEER_STEPS[shape])


def _driven(page: Page, script: str, steps: int) -> Times:
    told: Times = {}
    for what in ("step", "window"):
        seen = page.evaluate(script, [steps, what])
        told[f"{what}, work"], told[f"{what}, shown"] = seen["work"], seen["shown"]
    page.close()
    return told


def time_plain(browser: Browser, address: str, shape: str) -> Times:
    """Time the plain way: one slice, one change of the window."""
    page, _ = open_page(browser, address, "plain", shape)
    told: Times = {}
    for what, number in (("step, shown", 0), ("window, shown", 1)):
        told[what] = [_press(page, number) for _ in range(PLAIN_STEPS)]
    page.close()
    return told


def _press(page: Page, slider: int) -> float:
    """Move one slider by a key and wait for another picture."""
    source = "document.querySelector('[data-testid=\"stImage\"] img').src"
    before = page.evaluate(source)
    page.get_by_role("slider").nth(slider).focus()
    start = time.perf_counter()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"(before) => {source} !== before", arg=before, timeout=60_000)
    return (time.perf_counter() - start) * 1000


def summarise(values: list[float]) -> dict[str, float]:
    """Give median and 95th percentile, milliseconds."""
    return {"median": statistics.median(values), "p95": statistics.quantiles(values, n=20)[-1], "n": len(values)}


def table(found: dict[str, dict[str, Any]], version: str) -> str:
    """Lay the figures out in Markdown; `version` names the peer, or says why it is missing."""
    lines = [
        "## Viewer",
        "",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, no GPU, {platform.machine()}; headless Chromium; "
        f"milliseconds, median (p95). NiiVue {version}, WebGL on the processor. Ratios are of medians: shown for the "
        "plain way, work for NiiVue. First image by the page's own clock, in a browser that has kept nothing.",
        "",
        "| study | what | canvas, work | canvas, shown | plain, shown | NiiVue, work | plain / ours | NiiVue / ours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(line for shape, ways in found.items() for line in _lines(shape, ways))])


def _lines(shape: str, ways: dict[str, Any]) -> list[str]:
    ours, plain, peer = ways["canvas"], ways["plain"], ways.get("niivue")
    first = [way["first image"] if way else None for way in (ours, plain, peer)]
    ratios = f"{_ratio(first[1], first[0])} | {_ratio(first[2], first[0])}"
    lines = [f"| {shape} | first image, warm | | {_cells(*first)} | {ratios} |"]
    for what in ("step", "window"):
        work, shown, slow = ours[f"{what}, work"], ours[f"{what}, shown"], plain[f"{what}, shown"]
        other = peer[f"{what}, work"] if peer else None
        ratios = f"{_ratio(slow, work)} | {_ratio(other, work)}"
        lines.append(f"| {shape} | {what} | {_cells(work, shown, slow, other)} | {ratios} |")
    return lines


def _cells(*values: dict[str, float] | None) -> str:
    return " | ".join(_cell(value) if value else "–" for value in values)


def _ratio(slow: dict[str, float] | None, fast: dict[str, float] | None) -> str:
    return f"{slow['median'] / fast['median']:.1f}" if slow and fast else "–"


def _cell(value: dict[str, float]) -> str:
    return f"{value['median']:.1f} ({value['p95']:.1f})"


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    parser.add_argument("--write", type=Path, help="Markdown file to put the table into")
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="i x j x k, such as 256x256x128")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        scripts, version = viewer_peer.install(Path(place))
        timed = time_all(given.shapes, scripts)
    found = {
        shape: {way: {what: summarise(v) for what, v in values.items()} for way, values in ways.items()}
        for shape, ways in timed.items()
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "viewer.json").write_text(json.dumps({"niivue": version, "milliseconds": found}, indent=2))
    print(table(found, version))
    if given.write:
        write_section(given.write, "viewer", table(found, version))


def time_all(shapes: list[str], scripts: Path | None) -> dict[str, dict[str, Times]]:
    """Time every way on every shape, on one server and in one browser."""
    ways = {"canvas": time_canvas, "plain": time_plain, **({"niivue": time_peer} if scripts else {})}
    timed: dict[str, dict[str, Times]] = {shape: {} for shape in shapes}
    with serving(scripts) as (address, _), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=WITH_WEBGL)
        for shape in shapes:
            here = {way: measure for way, measure in ways.items() if way != "niivue" or shape in PEER_STEPS}
            openings = time_openings(browser, address, list(here), shape)
            for way, measure in here.items():
                timed[shape][way] = {"first image": openings[way], **measure(browser, address, shape)}
                medians = {what: f"{statistics.median(values):.1f}" for what, values in timed[shape][way].items()}
                print(f"{shape} {way}: {medians}", flush=True)
        browser.close()
    return timed


if __name__ == "__main__":
    main()
