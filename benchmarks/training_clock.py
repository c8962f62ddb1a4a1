"""Two moments -> what was used between them: seconds by the clock, and processor time of a process and its children."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_SECONDS = 0.1  # between two looks at a program's memory


@dataclass(frozen=True)
class Used:
    """Time, at a moment or between two.

    Attributes:
        seconds: by the clock.
        cpu: seconds of all processors, own and ended children's.
        waited: of the clock's seconds, those in which the network waited for data.
    """

    seconds: float
    cpu: float
    waited: float = 0.0

    def since(self, start: Used, waited: float = 0.0) -> Used:
        """Give what was used since a moment."""
        return Used(self.seconds - start.seconds, self.cpu - start.cpu, waited)


def used() -> Used:
    """Read clock and processor time."""
    found = os.times()
    return Used(time.monotonic(), found.user + found.system + found.children_user + found.children_system)


def peak_memory(words: Sequence[str], folder: Path) -> int:
    """Run a program and watch the memory of it and its children, bytes; what they share counts once for each."""
    program, most = subprocess.Popen(words, cwd=folder, stdout=-3, stderr=subprocess.PIPE, text=True), 0
    watched = psutil.Process(program.pid)
    while program.poll() is None:
        most = max(most, _resident(watched))
        time.sleep(LOOK_SECONDS)
    if program.returncode:
        raise SystemExit((program.stderr.read() if program.stderr else "")[-500:])
    return most


def _resident(program: psutil.Process) -> int:
    try:
        return sum(one.memory_info().rss for one in (program, *program.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0
