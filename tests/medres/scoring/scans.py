"""Folders of small NIfTI scans for the scoring tests, and stand-ins for what a worker does with a hostile one."""

from __future__ import annotations

import os
import time
from pathlib import Path

from medres.io.nifti_writing import write_volume
from medres.ledger import LedgerRow
from medres.scoring.workers import Task, score_task
from tests.tiny_models import PLACES_MM, ct_volume


def write_scans(folder: Path, count: int) -> Path:
    """Write `count` CT scans as NIfTI, every second one with a bright sphere."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        place = PLACES_MM[n % len(PLACES_MM)] if n % 2 else None
        write_volume(ct_volume(n, place), folder / f"scan{n:02d}.nii.gz")
    return folder


def dies_at_scan01(task: Task) -> LedgerRow:
    """A decoder that takes its process with it."""
    if task.source.relative_path == "scan01.nii.gz":
        os._exit(9)
    return score_task(task)


def hangs_at_scan01(task: Task) -> LedgerRow:
    """A decoder that never comes back."""
    if task.source.relative_path == "scan01.nii.gz":
        time.sleep(600)
    return score_task(task)


def dies_at_the_first_try(task: Task) -> LedgerRow:
    """A process that is killed once, by chance."""
    mark = Path(os.environ["MEDRES_CONFIG"]) / "died-once"
    if task.source.relative_path == "scan01.nii.gz" and not mark.exists():
        mark.touch()
        os._exit(9)
    return score_task(task)


def raises_with_a_name(task: Task) -> LedgerRow:
    """A library whose exception quotes the header."""
    import medres.scoring.workers as workers

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Doe^Jane")

    workers.read_series = broken
    return score_task(task)


def appends_while_reading(task: Task) -> LedgerRow:
    """A transfer that goes on while the scan is read."""
    with task.series.paths[0].open("ab") as stream:
        stream.write(b"\0")
    return score_task(task)


def slow(task: Task) -> LedgerRow:
    """A scan that takes a while."""
    time.sleep(0.3)
    return score_task(task)
