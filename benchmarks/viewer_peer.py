"""NiiVue from npm -> a folder for one run, thrown away after it; never part of medres.

Where npm or the registry is not at hand the peer is left out and the table says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

PACKAGE = "@niivue/niivue"
INSTALL_SECONDS = 300
DRIVE = """async ([steps, what]) => {
    const walk = (root) => {
        for (const one of root.querySelectorAll("*")) {
            if (one.peer) return one;
            const inside = one.shadowRoot && walk(one.shadowRoot);
            if (inside) return inside;
        }
        return null;
    };
    const box = walk(document), viewer = box.peer;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame(); await frame();
    const work = [], shown = [];
    for (let n = 0; n < steps; n++) {
        const start = performance.now();
        if (what === "window") {
            const scan = viewer.volumes[0];
            scan.cal_max += n % 2 ? -7 : 7;
            viewer.updateGLVolume();
        } else viewer.moveCrosshairInVox(1, 1, 1);
        box.finish();
        work.push(performance.now() - start);
        await frame(); await frame();
        shown.push(performance.now() - start);
    }
    return { work, shown };
}"""


def install(folder: Path) -> tuple[Path | None, str]:
    """Fetch the package without running any of its scripts.

    Args:
        folder: to throw away afterwards.

    Returns:
        (folder of its scripts, its version), or (None, why not).
    """
    if shutil.which("npm") is None:
        return None, "npm is not installed"
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", PACKAGE]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None, "npm could not install it"
    place = folder / "node_modules" / PACKAGE
    return place / "dist", json.loads((place / "package.json").read_text())["version"]
