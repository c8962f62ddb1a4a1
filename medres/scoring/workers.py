"""Tasks -> rows, in processes of their own: a decoder that dies or hangs takes no other series with it.

Knows one series at a time; knows no ledger. `BaseException`s of the caller stop everything at once.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import torch
from pebble import ProcessPool

from medres.classifier import Classifier, load_classifier
from medres.errors import IntakeError, MedresError, StoreError
from medres.io import read_series
from medres.io.privacy import silence_pydicom
from medres.io.series import Series
from medres.ledger import LedgerRow
from medres.ledger.owner import is_alive
from medres.scoring.rows import Context, Source, row_of, row_of_fault
from medres.scoring.sources import stamp

WATCH_SECONDS = 2.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Setup:
    """How every worker loads its classifier, and how it reads.

    Attributes:
        model: TrainedModel folder.
        engine, device, precision: as for `load_classifier`.
        intake: choices made at reading, such as {"modality": "CT"}.
        base: folder that stamps are relative to.
        owner: the run; when it has ended, so does the worker.
        threads: of the network within one worker.
    """

    model: Path
    engine: str
    device: str
    precision: str
    intake: tuple[tuple[str, str], ...]
    base: Path
    owner: str
    threads: int = 1

    def load(self) -> Classifier:
        """Load the classifier."""
        return load_classifier(
            self.model,
            engine=self.engine,
            device=self.device,
            precision=self.precision,
            intake=dict(self.intake),
        )


@dataclass(frozen=True)
class Task:
    """One series to score.

    Attributes:
        series: as found by its headers.
        source: what its row says of where it lies.
        context: what all rows of the run share.
        stale: a row stands there that no longer holds.
    """

    series: Series
    source: Source
    context: Context
    stale: bool = False


@dataclass
class _Worker:
    """What a worker process holds from its start to its end."""

    setup: Setup | None = None
    classifier: Classifier | None = None


_worker = _Worker()  # of this process; filled by `start_worker` and by nothing else


def start_worker(setup: Setup) -> None:
    """Make this process ready: quiet, bound to its run, the classifier loaded.

    Args:
        setup: of the run.
    """
    silence_pydicom()
    torch.set_num_threads(setup.threads)
    threading.Thread(target=_leave_with, args=(setup.owner,), daemon=True).start()
    _worker.setup, _worker.classifier = setup, setup.load()


def _leave_with(owner: str) -> None:
    """End this process when its run has ended without telling it (kill -9)."""
    while is_alive(owner) is not False:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def score_task(task: Task) -> LedgerRow:
    """Score one series within a worker.

    Args:
        task: the series.

    Returns:
        Its row; a fault becomes a row too.
    """
    started = time.perf_counter()
    setup, classifier = _worker.setup, _worker.classifier
    assert setup is not None  # pebble calls start_worker first
    assert classifier is not None
    try:
        row = _score(task, setup, classifier)
    except MedresError as fault:
        row = row_of_fault(fault, task.source, task.context)
    except MemoryError:
        full = IntakeError("E_SIZE_LIMIT", "the memory was used up while this series was scored")
        row = row_of_fault(full, task.source, task.context)
    except Exception as fault:  # one series must not end the run; its text may quote the header: only its kind is told
        told = StoreError("E_INTERNAL", f"scoring must end with a row, got {type(fault).__name__}")
        row = row_of_fault(told, task.source, task.context)
    return replace(row, seconds=round(time.perf_counter() - started, 3))


def _score(task: Task, setup: Setup, classifier: Classifier) -> LedgerRow:
    intake = dict(setup.intake)
    volume = read_series(task.series, modality=intake.get("modality"), nifti_frame=intake.get("nifti_frame"))
    if stamp(task.series.paths, setup.base) != task.source.source_stamp:
        raise IntakeError("E_INPUT_CHANGED", "files must stay as they are while they are read, some changed")
    return row_of(classifier.predict(volume), volume, task.source, task.context)


class Workers:
    """A few processes that score series; used as a context manager.

    Args:
        setup: of the run.
        count: processes.
        timeout: seconds for one series.
        score: what a worker calls for each task.
    """

    def __init__(
        self, setup: Setup, count: int, timeout: float, score: Callable[[Task], LedgerRow] = score_task
    ) -> None:
        self.timeout = timeout
        self.score = score
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])  # torch is imported once, a new worker then starts in an instant
        self.pool = ProcessPool(max_workers=count, initializer=start_worker, initargs=(setup,), context=context)

    def __enter__(self) -> Workers:
        return self

    def submit(self, task: Task) -> Future[LedgerRow]:
        """Hand a series to the next free worker.

        Args:
            task: the series.

        Returns:
            A future: its row, or `TimeoutError` or `pebble.ProcessExpired`.
        """
        future: Future[LedgerRow] = self.pool.schedule(self.score, args=(task,), timeout=self.timeout)
        return future

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.stop()
        self.pool.join(timeout=STOP_SECONDS)
