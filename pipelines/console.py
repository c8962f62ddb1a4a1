"""What every command says to a person: progress with rate and time left, tables, one-line errors.

Knows no scan and no network. Progress and errors go to stderr, results to stdout.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from medres.errors import MedresError

EXIT_OK, EXIT_FATAL, EXIT_USAGE, EXIT_SOME_REFUSED = 0, 1, 2, 3

WIDE = 140  # columns of a screen on which a table with a remark can be read
REMARK_INDENT = 4
HOUSE = Path(__file__).resolve().parents[1]

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def hush() -> None:
    """Say nothing more: another process speaks for this one."""
    out.quiet = err.quiet = True


def say(text: str) -> None:
    """Print one line of result, markup left alone."""
    out.print(text, markup=False)


def say_error(error: MedresError) -> None:
    """Print a fault as its one sentence, on stderr."""
    err.print(str(error), markup=False, style="red" if err.is_terminal else None)


def say_unnamed(error: Exception) -> None:
    """Print a fault that no code names by its kind and our own line, never its text: that may quote the scan."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(HOUSE)]
    place = f"{Path(ours[-1].filename).relative_to(HOUSE)} line {ours[-1].lineno}" if ours else "a library"
    cure = "report this line; MEDRES_TRACEBACK=1 shows the whole trace, which may quote the scan"
    say_error(MedresError("E_INTERNAL", f"{type(error).__name__} in {place}", cure))


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table that a person can read."""
    drawn = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    if out.quiet:
        return
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(drawn, markup=False)


def listing(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table whose last column is a remark; where the screen is narrow, the remark stands under its row."""
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if console.width >= WIDE:
        table("", columns, rows)
    elif not out.quiet:
        _narrow(console, columns, rows)


def _narrow(console: Console, columns: list[str], rows: list[list[str]]) -> None:
    """Print each row on a line of its own and its remark below."""
    packed = [[cell.replace(" × ", "×") for cell in row[:-1]] for row in (columns, *rows)]
    widths = [max(map(len, cells)) for cells in zip(*packed, strict=True)]
    lines = [" ".join(map(str.ljust, cells, widths)).rstrip() for cells in packed]
    console.print(lines[0], markup=False, style="bold")
    for line, (*_, remark) in zip(lines[1:], rows, strict=True):
        console.print(line, markup=False)
        if remark:
            console.print(Padding(Text(remark), (0, 0, 0, REMARK_INDENT)))


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar with count, rate and time left while the block runs.

    Yields:
        `advance(done, total=None, note="")`: `done` is the count so far, not a step.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=err, transient=False, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=total, rate="", note="")

        def advance(done: int, total: int | None = None, note: str = "") -> None:
            if total is not None:
                bar.update(task, total=total)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:.1f}/s" if speed else "", note=note)

        yield advance
