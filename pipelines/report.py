"""medres report: result.json and the pictures beside it -> one HTML page."""

from __future__ import annotations

from pathlib import Path

from medres.results.folder import REPORT_FILE
from medres.results.html import write_html
from medres.results.report import read_report
from pipelines.console import EXIT_OK, say


def run(result: Path, out: Path | None = None) -> int:
    """Write the page of a result; exit status 0."""
    folder = result if result.is_dir() else result.parent
    page = write_html(read_report(result), folder, out or folder / REPORT_FILE)
    say(f"report: {page}")
    return EXIT_OK
