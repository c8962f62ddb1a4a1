"""How fast, and in how much memory, intake reads -> a table of times and ratios beside its peers.

    python -m benchmarks.intake --out benchmarks/out [--write docs/benchmarks.md]

MONAI's ITKReader needs ITK, which medres does not:
`pip install --no-deps --target DIR itk itk-core itk-io itk-numerics`,
then `PYTHONPATH=DIR python -m benchmarks.intake`.

Every reader runs in a process of its own, from a warm cache, in rounds that visit all readers in turn: the ratio of
medians is what to look at, on any machine. Memory is the peak above what the process held before it read.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.intake_data import make_ct, make_small_files
from benchmarks.intake_readers import READERS
from benchmarks.page import write_section

MR = (
    Path(os.environ.get("MEDRES_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data/dicom/mr_sagittal_192"
)
LONGEST_SECONDS = 6.0  # a reader that takes longer is timed fewer times


def worker(reader: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Read a folder several times in this process; imports and code are warmed on its first slices."""
    read = READERS[reader]
    with tempfile.TemporaryDirectory() as few:
        read(_first_slices(folder, Path(few)))
    warm_cache(folder)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    times, work = [], []
    while len(times) < repeats and sum(times) < LONGEST_SECONDS:
        started, spent = time.perf_counter(), _spent()
        size = read(folder)
        times.append(time.perf_counter() - started)
        work.append(_spent() - spent)
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    peak = child if reader == "dcm2niix" else _resident("VmHWM") - before
    return {"seconds": statistics.median(times), "cpu": statistics.median(work), "bytes": size, "peak": peak}


def _spent() -> float:
    """Give seconds of work so far: user and system, own and of children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def warm_cache(folder: Path) -> None:
    """Read every byte once, so that no reader waits for the disk."""
    for path in folder.iterdir():
        if path.is_file():
            path.read_bytes()


def headers(folder: Path) -> dict[str, Any]:
    """Look at the headers of an export."""
    from medres.io import find_series

    find_series(next(folder.iterdir()), headers_only=True)
    before = _resident("VmRSS")
    started = time.perf_counter()
    inventory = find_series(folder, headers_only=True)
    seconds = time.perf_counter() - started
    files = sum(series.file_count for series in inventory.series)
    return {"seconds": seconds, "files": files, "peak": _resident("VmHWM") - before, "series": len(inventory.series)}


def _first_slices(folder: Path, few: Path) -> Path:
    """Link the first files of a folder into another one."""
    for path in sorted(folder.glob("*.dcm"))[:4]:
        (few / path.name).symlink_to(path.resolve())
    return few


def _resident(field: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]


def ask(*arguments: object) -> dict[str, Any]:
    """Run a worker and take its answer; a reader that fails says why in one word."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.intake", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
    if done.returncode:
        kinds = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception))\b", done.stderr, re.M)
        return {"error": kinds[-1] if kinds else "it died"}
    return json.loads(done.stdout.splitlines()[-1])


def measure(folder: Path, rounds: int, repeats: int) -> dict[str, dict[str, Any]]:
    """Visit every reader in turn, several times."""
    found: dict[str, list[dict[str, Any]]] = {reader: [] for reader in READERS}
    for _ in range(rounds):
        for reader in READERS:
            if not any("error" in answer for answer in found[reader]):
                found[reader].append(ask("--worker", reader, "--folder", folder, "--repeats", repeats))
    return {reader: _median(answers) for reader, answers in found.items()}


def _median(answers: list[dict[str, Any]]) -> dict[str, Any]:
    if "error" in answers[-1]:
        return answers[-1]
    return {name: statistics.median(answer[name] for answer in answers) for name in answers[0]}


def to_markdown(cases: dict[str, dict[str, dict[str, Any]]], exports: list[dict[str, Any]]) -> str:
    """Lay the results out."""
    lines = [
        "## Intake",
        "",
        f"`python -m benchmarks.intake`, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}:",
        "medians from a warm cache, each reader in a process of its own. *Ratio*: how many times as long as medres.",
        "*CPU*: seconds of work, all threads, own and children's.",
        "*Memory*: peak above what the process held before, over the float32 volume (dcm2niix: its whole process).",
    ]
    for case, results in cases.items():
        ours = results["medres"]
        lines += [
            "",
            f"**{case}**",
            "",
            "| reader | seconds | ratio | CPU | ratio | memory |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(reader, result, ours) for reader, result in results.items()]
    lines += [
        "",
        "**Headers of an export** (`medres inspect --headers`)",
        "",
        "| files | ms a file | memory MiB |",
        "|---|---|---|",
    ]
    lines += [f"| {e['files']} | {1000 * e['seconds'] / e['files']:.2f} | {e['peak'] / 2**20:.0f} |" for e in exports]
    return "\n".join(lines) + "\n"


def _row(reader: str, result: dict[str, Any], ours: dict[str, Any]) -> str:
    if "error" in result:
        return f"| {reader} | cannot read it ({result['error']}) | | | | |"
    cells = [f"{result[name]:.3f} | {result[name] / ours[name]:.2f}" for name in ("seconds", "cpu")]
    peak = f"{result['peak'] / result['bytes']:.2f}" if result.get("peak") else ""
    return f"| {reader} | {' | '.join(cells)} | {peak} |"


def main() -> None:
    """Run everything, or be a worker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    parser.add_argument("--write", type=Path, help="Markdown page whose section Intake is replaced")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker")
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(worker(given.worker, given.folder, given.repeats)))
    elif given.headers:
        print(json.dumps(headers(given.folder)))
    else:
        text = run_all(given.out.resolve(), given.rounds, given.repeats)
        print(text)
        if given.write:
            write_section(given.write, "intake", text)


def run_all(out: Path, rounds: int, repeats: int) -> str:
    """Make the data, measure every case, lay it out."""
    titles = {
        "CT, 200 × 512², uncompressed": "uncompressed",
        "CT, JPEG 2000 lossless": "jpeg2000",
        "CT, JPEG lossless": "jpeg_lossless",
    }
    made = make_ct(out)
    folders = {title: made[name] for title, name in titles.items()}
    if MR.is_dir():
        folders["MR, 192 × 256², real headers (141 elements)"] = _without_reference(MR, out)
    cases = {title: measure(folder, rounds, repeats) for title, folder in folders.items()}
    exports = [ask("--headers", "--folder", make_small_files(out, series)) for series in (5, 50)]
    return to_markdown(cases, exports)


def _without_reference(folder: Path, out: Path) -> Path:
    """Copy the slices alone: readers that take every file of a folder would take the reference too."""
    copy = out / folder.name
    if not copy.is_dir():
        copy.mkdir(parents=True)
        for path in folder.glob("*.dcm"):
            (copy / path.name).write_bytes(path.read_bytes())
    return copy


if __name__ == "__main__":
    main()
