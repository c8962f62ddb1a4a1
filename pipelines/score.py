"""medres score: a folder of studies and a model -> one row for each series, in a ledger and in tables."""

from __future__ import annotations

from pathlib import Path

from medres.errors import StoreError
from medres.io.privacy import load_site_key, silence_pydicom
from medres.results.disclaimer import DISCLAIMER
from medres.scoring.batch import CSV_FILE, BatchSummary, ScoringOptions, score_folder
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, progress, say


def run(
    folder: Path,
    model: Path,
    out: Path,
    modality: str | None = None,
    nifti_frame: str | None = None,
    allow_gaps: bool = False,
    workers: int = 1,
    timeout: float = 600.0,
    engine: str = "torch",
    device: str = "cpu",
    precision: str = "fp32",
) -> int:
    """Score every series; exit status 0, or 3 where some were refused or failed (out of scope is an answer)."""
    silence_pydicom()
    if workers < 1 or timeout <= 0:
        raise StoreError(
            "E_USAGE", f"--workers must be at least 1 and --timeout above 0, got {workers} and {timeout:g}"
        )
    load_site_key()  # rows are named under it and must be found again: better no run than one that cannot resume
    options = ScoringOptions(
        modality=modality,
        nifti_frame=nifti_frame,
        allow_gaps=allow_gaps,
        engine=engine,
        device=device,
        precision=precision,
        workers=workers,
        timeout=timeout,
    )
    with progress("score") as advance:
        summary = score_folder(folder, model, out, options, on_progress=advance)
    for line in tell(summary, out):
        say(line)
    return EXIT_OK if summary.all_well else EXIT_SOME_REFUSED


def tell(summary: BatchSummary, out: Path) -> list[str]:
    """Say what came of a run in two or three lines."""
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in summary.statuses.items())
    skipped = f"; {summary.skipped_files} files were no scan" if summary.skipped_files else ""
    already = [f"already scored: {summary.already}"] if summary.already else []
    return [*already, f"{summary.series} series: {counts}{skipped}", f"results: {out / CSV_FILE}", DISCLAIMER]
