"""How fast the viewer is under the hand -> a table beside the plain way (st.fragment + st.image), in one run.

    python -m benchmarks.viewer --out benchmarks/out [--write docs/benchmarks.md]

Headless Chromium without a GPU. *Work* is the script's time for three planes with overlay; *shown* ends two frames
later. The plain way is timed from the key to the new picture on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("MEDRES_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SHAPES = ("256x256x128", "512x512x400")
STEPS, PLAIN_STEPS, OPENINGS = 60, 8, 3
START, END = "<!-- viewer -->", "<!-- end of viewer -->"
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


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """Start the benchmark's server."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    words = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("viewer_server.py"))]
    options = {"server.address": "127.0.0.1", "server.port": port, "server.headless": "true"}
    options |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    server = subprocess.Popen([*words, *(f"--{name}={value}" for name, value in options.items())], stdout=-3)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return server, f"http://127.0.0.1:{port}"
    raise SystemExit("the server did not start")


def open_page(browser: Browser, address: str, way: str, shape: str) -> tuple[Page, float]:
    """Open the study; gives the page and the milliseconds until its first image."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    start = time.perf_counter()
    page.goto(f"{address}/?way={way}&shape={shape}")
    ready = '.medres:not([data-ready="no"])' if way == "canvas" else '[data-testid="stImage"] img'
    page.locator(ready).first.wait_for(timeout=120_000)
    return page, (time.perf_counter() - start) * 1000


def time_canvas(browser: Browser, address: str, shape: str) -> dict[str, list[float]]:
    """Time our canvas: openings, slice steps in all planes at once, window changes."""
    told: dict[str, list[float]] = {"first image": []}
    for _ in range(OPENINGS + 1):
        page, took = open_page(browser, address, "canvas", shape)
        told["first image"].append(took)
        last = page
        if len(told["first image"]) <= OPENINGS:
            page.close()
    told["first image"] = told["first image"][1:]  # the first opening makes the study
    last.locator('.medres[data-ready="all"][data-heat="yes"]').wait_for(timeout=120_000)
    for what in ("step", "window"):
        seen = last.evaluate(DRIVE, [STEPS, what])
        told[f"{what}, work"], told[f"{what}, shown"] = seen["work"], seen["shown"]
    last.close()
    return told


def time_plain(browser: Browser, address: str, shape: str) -> dict[str, list[float]]:
    """Time the plain way: openings, one slice, one change of the window."""
    told: dict[str, list[float]] = {"first image": []}
    for _ in range(OPENINGS + 1):
        page, took = open_page(browser, address, "plain", shape)
        told["first image"].append(took)
        last = page
        if len(told["first image"]) <= OPENINGS:
            page.close()
    told["first image"] = told["first image"][1:]
    for what, number in (("step, shown", 0), ("window, shown", 1)):
        told[what] = [_press(last, number) for _ in range(PLAIN_STEPS)]
    last.close()
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


def table(found: dict[str, dict[str, Any]]) -> str:
    """Lay the figures out in Markdown."""
    lines = [
        f"{os.cpu_count()} cores, no GPU, {platform.machine()}; headless Chromium; milliseconds, median (p95).",
        "",
        "| study | what | canvas, work | canvas, shown | plain, shown | plain / canvas |",
        "|---|---|---|---|---|---|",
    ]
    for shape, ways in found.items():
        ours, plain = ways["canvas"], ways["plain"]
        first = plain["first image"]["median"] / ours["first image"]["median"]
        cells = [_cell(ours["first image"]), _cell(plain["first image"])]
        lines.append(f"| {shape} | first image, warm | | {cells[0]} | {cells[1]} | {first:.1f} |")
        for what in ("step", "window"):
            work, shown, slow = ours[f"{what}, work"], ours[f"{what}, shown"], plain[f"{what}, shown"]
            ratio = slow["median"] / work["median"]
            lines.append(f"| {shape} | {what} | {_cell(work)} | {_cell(shown)} | {_cell(slow)} | {ratio:.0f} |")
    return "\n".join(lines)


def _cell(value: dict[str, float]) -> str:
    return f"{value['median']:.1f} ({value['p95']:.1f})"


def write_section(path: Path, text: str) -> None:
    """Put the table between its two marks, or at the end."""
    section = f"{START}\n{text}\n{END}"
    old = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    pattern = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
    new = pattern.sub(lambda _: section, old) if pattern.search(old) else f"{old.rstrip()}\n\n## Viewer\n\n{section}\n"
    path.write_text(new, encoding="utf-8")


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    parser.add_argument("--write", type=Path, help="Markdown file to put the table into")
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="i x j x k, such as 256x256x128")
    given = parser.parse_args()
    server, address = serve()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            timed = {
                shape: {"canvas": time_canvas(browser, address, shape), "plain": time_plain(browser, address, shape)}
                for shape in given.shapes
            }
            browser.close()
    finally:
        server.terminate()
    found = {
        shape: {way: {what: summarise(v) for what, v in values.items()} for way, values in ways.items()}
        for shape, ways in timed.items()
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "viewer.json").write_text(json.dumps(found, indent=2))
    print(table(found))
    if given.write:
        write_section(given.write, table(found))


if __name__ == "__main__":
    main()
