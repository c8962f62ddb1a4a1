"""A folder of Studies + a TrainedModel -> one row for each series, resumable, shared between runs.

Ties intake, classifier, workers and ledger together; knows no screen.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from medres.errors import IntakeError, StoreError
from medres.io import find_series
from medres.io.series import Inventory, Series
from medres.ledger import STATUSES, Ledger, LedgerRow, Status, export_csv, export_parquet
from medres.ledger.owner import this_run
from medres.scoring.rows import Context, Source, library_versions
from medres.scoring.run import Progress, Run, run_tasks
from medres.scoring.sources import base_of, place_of, stamp
from medres.scoring.workers import Setup, Task, score_task

LEDGER_FILE, CSV_FILE, PARQUET_FILE = "ledger.sqlite", "results.csv", "results.parquet"
GONE = "gone"  # stamp of a series whose files are not there any more


@dataclass(frozen=True)
class ScoringOptions:
    """How a folder is scored.

    Attributes:
        modality, nifti_frame, allow_gaps: as for `medres.read`; they enter the configuration digest.
        engine, device, precision: as for `load_classifier`.
        workers: processes.
        timeout: seconds for one series.
        memory_bytes: most for one series; None takes a share of what is free.
    """

    modality: str | None = None
    nifti_frame: str | None = None
    allow_gaps: bool = False
    engine: str = "torch"
    device: str = "cpu"
    precision: str = "fp32"
    workers: int = 1
    timeout: float = 600.0
    memory_bytes: float | None = None

    @property
    def intake(self) -> dict[str, str]:
        """Choices made at reading that change a result."""
        told = {
            "modality": (self.modality or "").upper(),
            "nifti_frame": self.nifti_frame or "",
            "allow_gaps": "yes" if self.allow_gaps else "",
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class BatchSummary:
    """What came of a run.

    Attributes:
        series: found in the folder; the counts of `statuses` add up to it.
        statuses: count of each status.
        already: of them, scored by an earlier or another run.
        skipped_files: files that are no scan.
        seconds: of this run.
    """

    series: int
    statuses: Mapping[Status, int]
    already: int
    skipped_files: int
    seconds: float

    @property
    def all_well(self) -> bool:
        """Whether nothing was refused and nothing failed."""
        return not self.statuses["refused"] and not self.statuses["error"]


def score_folder(
    folder: Path,
    model_folder: Path,
    out: Path,
    options: ScoringOptions | None = None,
    *,
    on_search: Callable[[int, int], None] | None = None,
    on_progress: Progress | None = None,
    score: Callable[[Task], LedgerRow] = score_task,
) -> BatchSummary:
    """Score every series of a folder; what is done already is not done again.

    Args:
        folder: studies, or one file.
        model_folder: a TrainedModel.
        out: gets ledger.sqlite, results.csv and results.parquet.
        options: None takes the defaults.
        on_search: called with (files done, files in all) while series are looked for.
        on_progress: called with (series done, series in all, last status).
        score: what a worker does with one series.

    Returns:
        Counts: every series found has one row.

    Raises:
        IntakeError: E_NOT_FOUND, E_EMPTY_FOLDER.
        ModelError: when the model cannot be used.
        StoreError: E_DISK_FULL, E_WRITE, E_STORE_OTHER; what was finished stays.
    """
    started = time.monotonic()
    options = options or ScoringOptions()
    base, owner = base_of(folder), this_run()
    setup = Setup(
        model_folder.resolve(), options.engine, options.device, options.precision, tuple(options.intake.items()), base,
        str(owner),
    )  # fmt: skip
    context = _context(setup)
    with closing(Ledger(out / LEDGER_FILE)) as ledger:
        _bind(ledger, base, out)
        _note_choices(ledger, context, _relative(model_folder, out), options)
        inventory = find_series(
            folder,
            headers_only=True,
            allow_gaps=options.allow_gaps,
            nifti_frame=options.nifti_frame,
            modality=options.modality,
            on_progress=on_search,
        )
        run = Run(
            ledger, owner, context, base, on_progress or _say_nothing, len(inventory.series),
            options.workers, options.timeout, options.memory_bytes,
        )  # fmt: skip
        already = _score_all(run, inventory, setup, score)
        _drop_superseded(run, inventory)
        export_csv(ledger.rows(), out / CSV_FILE)
        export_parquet(ledger.rows(), out / PARQUET_FILE)
        return _summary(run, inventory, already, time.monotonic() - started)


def _say_nothing(done: int, total: int, note: str) -> None:
    """Take progress and tell nobody."""


def _context(setup: Setup) -> Context:
    """Load the model once here, so that one that cannot be used, or answers otherwise here, is refused beforehand."""
    classifier = setup.load()
    if classifier.model.golden is not None and setup.device == "cpu":
        classifier.verify()
    spec, engine = classifier.model.spec, classifier.engine
    digests = (classifier.model.digest, classifier.configuration_digest)
    return Context(*digests, spec.name, spec.version, engine.kind, engine.precision, library_versions())


def _bind(ledger: Ledger, base: Path, out: Path) -> None:
    """Remember which folder the results are of, relative to them; refuse results of another one."""
    place = _relative(base, out)
    known = ledger.fact("folder")
    if known is None:
        ledger.set_fact("folder", place)
    elif known != place:
        raise StoreError("E_STORE_OTHER", "one results folder must hold one folder's results, got another folder")


def _note_choices(ledger: Ledger, context: Context, model: str, options: ScoringOptions) -> None:
    """Remember where each model lies and how each configuration reads a scan: a viewer reads it the same way."""
    ledger.set_fact("model_folder", model)
    ledger.set_fact(f"model_folder {context.model_digest}", model)
    ledger.set_fact(f"intake {context.configuration_digest}", json.dumps(options.intake))


def _relative(base: Path, out: Path) -> str:
    return Path(os.path.relpath(base.resolve(), out.resolve())).as_posix()


def _score_all(run: Run, inventory: Inventory, setup: Setup, score: Callable[[Task], LedgerRow]) -> int:
    """Score what is not done; give back what is unfinished, whatever happens."""
    finished = run.ledger.finished(run.context.model_digest, run.context.configuration_digest)
    tasks = [_task(series, run) for series in inventory.series]
    todo = [replace(task, stale=task.series.key in finished) for task in tasks if not _is_done(task, run, finished)]
    already = run.done = len(tasks) - len(todo)
    run.progress(run.done, run.total, "already scored" if already else "")
    if not todo:
        return already
    try:
        return already + run_tasks(run, todo, setup, score)
    finally:
        with suppress(StoreError):
            run.ledger.release(run.owner)


def _task(series: Series, run: Run) -> Task:
    try:
        mark = stamp(series.paths, run.base)
    except IntakeError:
        mark = GONE
    source = Source(series.key, series.modality, place_of(series, run.base), mark)
    return Task(series, source, run.context)


def _is_done(task: Task, run: Run, finished: Mapping[str, tuple[str, str, float]]) -> bool:
    """Tell whether a row stands there that still holds: same files, and no time-out under a shorter limit."""
    if task.series.key not in finished:
        return False
    mark, code, seconds = finished[task.series.key]
    return mark == task.source.source_stamp and not (code == "E_TIMEOUT" and seconds < run.timeout)


def _drop_superseded(run: Run, inventory: Inventory) -> None:
    """Drop rows whose files go by another key now (a file of the same kind joined them): one row per series."""
    keys = {series.key for series in inventory.series}
    places = {place_of(series, run.base) for series in inventory.series}
    rows = run.ledger.rows(run.context.model_digest, run.context.configuration_digest)
    for row in [row for row in rows if row.series_key not in keys and row.relative_path in places]:
        run.ledger.remove(row)


def _summary(run: Run, inventory: Inventory, already: int, seconds: float) -> BatchSummary:
    """Count the rows of the series that were found."""
    keys = {series.key for series in inventory.series}
    rows = run.ledger.rows(run.context.model_digest, run.context.configuration_digest)
    found = Counter(row.status for row in rows if row.series_key in keys)
    statuses = {status: found[status] for status in STATUSES}
    return BatchSummary(len(keys), statuses, already, len(inventory.skipped), seconds)
