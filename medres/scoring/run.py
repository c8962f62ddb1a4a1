"""Tasks + ledger -> finished rows: claim, hand out, write down, retry what killed its worker, wait for other runs.

Knows no folder and no screen.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from pebble import ProcessExpired

from medres.errors import IntakeError, MedresError, StoreError
from medres.ledger import Ledger, LedgerRow
from medres.ledger.owner import Owner
from medres.ledger.store import LEASE_SECONDS
from medres.scoring.rows import Context, row_of_fault
from medres.scoring.sources import check_memory
from medres.scoring.workers import Setup, Task, Workers

TASKS_PER_WORKER = 2  # in flight: one at work, one waiting
LOOK_SECONDS = 0.5  # how often another run's claims are looked at
Progress: TypeAlias = Callable[[int, int, str], None]
Score: TypeAlias = Callable[[Task], LedgerRow]


@dataclass
class Run:
    """One run on its way.

    Attributes:
        ledger: where rows go.
        owner: the run's name in claims.
        context: what all its rows share.
        base: folder that stamps are relative to.
        progress: called with (series done, series in all, last status).
        total: series found.
        workers: processes.
        timeout: seconds for one series.
        memory_bytes: most for one series; None takes a share of what is free.
        done: series done so far.
    """

    ledger: Ledger
    owner: Owner
    context: Context
    base: Path
    progress: Progress
    total: int
    workers: int
    timeout: float
    memory_bytes: float | None
    done: int = 0
    _renewed: float = field(default_factory=time.monotonic)

    def finish(self, row: LedgerRow) -> None:
        """Write a row down for good, and tell.

        Args:
            row: of one series.
        """
        self.ledger.record(replace(row, finished_at=datetime.now(UTC).isoformat(timespec="seconds")))
        self.advance(row.status)

    def advance(self, note: str = "") -> None:
        """Tell that one more series is done.

        Args:
            note: its status.
        """
        self.done += 1
        self.progress(self.done, self.total, note)

    def keep_claims(self) -> None:
        """Renew the leases in good time."""
        if time.monotonic() - self._renewed > LEASE_SECONDS / 4:
            self.ledger.renew(self.owner)
            self._renewed = time.monotonic()

    def refuse_by_header(self, task: Task) -> bool:
        """Write down what headers alone decide.

        Args:
            task: a series that is claimed.

        Returns:
            Whether it was refused.
        """
        series = task.series
        try:
            if series.verdict == "refused":
                raise IntakeError(series.codes[0], *_parted(series.message, series.codes[0]))
            check_memory(series, self.workers, self.memory_bytes)
        except MedresError as fault:
            self.finish(row_of_fault(fault, task.source, task.context))
            return True
        return False


def _parted(message: str, code: str) -> tuple[str, ...]:
    """Part "CODE: what - cure" into what and cure."""
    what, dash, cure = message.removeprefix(f"{code}: ").rpartition(" - ")
    return (what, cure) if dash else (cure,)


@dataclass(frozen=True)
class _Left:
    """What a pass left undone.

    Attributes:
        suspects: series during which their worker died or hung.
        elsewhere: series that another run has claimed.
    """

    suspects: list[Task]
    elsewhere: list[Task]


def run_tasks(run: Run, tasks: Sequence[Task], setup: Setup, score: Score) -> int:
    """Score tasks until each has a row.

    Args:
        run: on its way.
        tasks: series without a valid row.
        setup: of the workers.
        score: what a worker does with one series.

    Returns:
        How many of them another run did meanwhile.
    """
    by_others, left = 0, list(tasks)
    while left:
        with Workers(setup, run.workers, run.timeout, score) as workers:
            found = _work_off(run, left, workers)
        for task in found.suspects:
            _retry_alone(run, task, setup, score)
        done, left = _look_at_others(run, found.elsewhere)
        by_others += done
        if left and len(left) == len(found.elsewhere):
            time.sleep(LOOK_SECONDS)
    return by_others


def _work_off(run: Run, tasks: Sequence[Task], workers: Workers) -> _Left:
    """Hand tasks out, a few ahead, and write rows down as they come."""
    waiting, left = deque(tasks), _Left([], [])
    flying: dict[Future[LedgerRow], Task] = {}
    while waiting or flying:
        while waiting and len(flying) < TASKS_PER_WORKER * run.workers:
            _begin(run, waiting.popleft(), workers, flying, left)
        done, _ = wait(flying, timeout=LEASE_SECONDS / 4, return_when=FIRST_COMPLETED)
        run.keep_claims()
        for future in done:
            _take(run, flying.pop(future), future, left)
    return left


def _begin(run: Run, task: Task, workers: Workers, flying: dict[Future[LedgerRow], Task], left: _Left) -> None:
    """Claim a task and hand it to a worker, unless another run has it or its header decides."""
    if not run.ledger.claim(_key(task), run.owner, stale=task.stale):
        left.elsewhere.append(task)
    elif not run.refuse_by_header(task):
        flying[workers.submit(task)] = task


def _take(run: Run, task: Task, future: Future[LedgerRow], left: _Left) -> None:
    try:
        run.finish(future.result())
    except (ProcessExpired, TimeoutError):
        left.suspects.append(task)


def _retry_alone(run: Run, task: Task, setup: Setup, score: Score) -> None:
    """Try once more in a new process that does nothing else; then write the fault down."""
    started = time.perf_counter()
    try:
        with Workers(setup, 1, run.timeout, score) as workers:
            run.finish(workers.submit(task).result())
            return
    except ProcessExpired as death:
        how = f"exit status {death.exitcode}"
        fault = StoreError("E_WORKER_DIED", f"the process that read the series died twice ({how})")
    except TimeoutError:
        fault = StoreError("E_TIMEOUT", f"the series took longer than {run.timeout:g} s twice")
    row = row_of_fault(fault, task.source, task.context)
    spent = run.timeout if fault.code == "E_TIMEOUT" else time.perf_counter() - started
    run.finish(replace(row, seconds=round(spent, 3)))


def _look_at_others(run: Run, tasks: Sequence[Task]) -> tuple[int, list[Task]]:
    """Count what another run has finished; what it has not stays to be tried again."""
    if not tasks:
        return 0, []
    finished = run.ledger.finished(run.context.model_digest, run.context.configuration_digest)
    left = []
    for task in tasks:
        if finished.get(task.series.key, ("",))[0] == task.source.source_stamp:
            run.advance("by another run")
        else:
            left.append(task)
    return len(tasks) - len(left), left


def _key(task: Task) -> tuple[str, str, str]:
    return task.series.key, task.context.model_digest, task.context.configuration_digest
