"""Damaged scans by the thousand -> does intake ever crash, hang, take too much memory, or accept a wrong volume?

    python -m benchmarks.fuzz_intake --count 200000 --seed 7

Every input is made from (seed, number), so that any finding can be made again: `--only NUMBER`. One input in seven is a
mutation of a known effect (`fuzz_known`); the others are random damage (`fuzz_random`), and where intake still accepts
one, its voxels and affine are held against the plain reader's. Memory is capped by the system, time by an alarm.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz_known import draw_known, judge
from benchmarks.fuzz_phantoms import Files
from benchmarks.fuzz_random import DIFFERS, UNREADABLE, compare, draw_random
from medres.errors import IntakeError, MedresError
from medres.io import find_series, read_series
from medres.io.privacy import silence_pydicom

KNOWN_SHARE = 7
MOST_KEPT = 40


class Hang(BaseException):
    """The alarm went off."""


@dataclass
class Tally:
    """What came of all inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    slowest: float = 0.0

    def find(self, number: int, kind: str, what: str, text: str) -> None:
        """Keep a finding."""
        self.outcomes[what] += 1
        if len(self.findings) < MOST_KEPT:
            self.findings.append({"number": number, "kind": kind, "what": what, "text": text[:600]})


def fuzz_one(seed: int, number: int, folder: Path, tally: Tally) -> None:
    """Make one input, read it, judge what came of it."""
    rng = np.random.default_rng([seed, number])
    known = draw_known(rng) if number % KNOWN_SHARE == 0 else None
    kind, files = ("known: " + known.name, known.files) if known else draw_random(rng)
    write(folder, files)
    try:
        series = find_series(folder).series
        volumes = [read_series(one) for one in series if one.verdict != "refused"]
    except IntakeError as error:
        tally.find(number, kind, "inspect and read disagree", str(error))
        return
    except MedresError as error:
        tally.find(number, kind, "another fault", str(error))
        return
    except Hang:
        tally.find(number, kind, "hang", "")
        return
    except Exception:
        tally.find(number, kind, "crash", traceback.format_exc()[-600:])
        return
    signal.setitimer(signal.ITIMER_REAL, 0)  # time is ours to keep, not the plain reader's
    tally.codes.update(code for one in series for code in one.codes)
    if known:
        problem = judge(known, series, volumes)
        tally.find(number, kind, "known volume missed", problem) if problem else tally.outcomes.update(["known: right"])
        return
    judge_random(number, kind, series, volumes, tally)


def judge_random(number: int, kind: str, series: Any, volumes: list[Any], tally: Tally) -> None:
    """Hold what was accepted against the plain reader."""
    if not volumes:
        tally.outcomes["random: refused or skipped"] += 1
        return
    accepted = [one for one in series if one.verdict != "refused"]
    for one, volume in zip(accepted, volumes, strict=True):
        verdict, text = compare(one, volume)
        if verdict == DIFFERS:
            tally.find(number, kind, "accepted, differs from the plain reader", f"{text} {one.codes}")
        elif verdict == UNREADABLE:
            tally.outcomes[f"random: accepted, {UNREADABLE} ({one.kind}: {text})"] += 1
        else:
            tally.outcomes["random: accepted, explained by a code" if text else "random: accepted, same"] += 1


def write(folder: Path, files: Files) -> None:
    """Replace what stands in the folder."""
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def run(count: int, seed: int, *, first: int = 0, seconds_each: float = 5.0, memory_mib: int | None = None) -> Tally:
    """Fuzz `count` inputs in this process, under an alarm and a cap on memory."""
    silence_pydicom()
    tally, folder = Tally(), Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    signal.signal(signal.SIGALRM, _raise_hang)
    if memory_mib is not None:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (memory_mib << 20),) * 2)
    try:
        for number in range(first, first + count):
            started = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, seconds_each)
            fuzz_one(seed, number, folder, tally)
            signal.setitimer(signal.ITIMER_REAL, 0)
            tally.slowest = max(tally.slowest, time.perf_counter() - started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _raise_hang(*_: Any) -> None:
    raise Hang


def main() -> int:
    """Fuzz from the command line; exit status 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one input by its number")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--memory", type=int, default=512, help="MiB beyond what the process holds at the start")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.perf_counter()
    first, count = (given.only, 1) if given.only is not None else (given.first, given.count)
    tally = run(count, given.seed, first=first, memory_mib=given.memory)
    seconds = time.perf_counter() - started
    if given.json:
        found = {"outcomes": tally.outcomes, "codes": tally.codes, "findings": tally.findings, "slowest": tally.slowest}
        print(json.dumps({"count": count, "seconds": seconds, **found}))
    else:
        print(f"{count} inputs, seed {given.seed}, {seconds:.0f} s, slowest {tally.slowest:.2f} s")
        for outcome, times in tally.outcomes.most_common():
            print(f"{times:8d}  {outcome}")
        for finding in tally.findings:
            print(finding["number"], finding["kind"], finding["what"], finding["text"], sep=" | ")
    return int(bool(tally.findings))


if __name__ == "__main__":
    sys.exit(main())
