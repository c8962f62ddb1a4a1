"""The whole walk: the command that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import app, run_recipe


@app.command(epilog="Example: medres demo --out demo")
def demo(
    out: Annotated[Path, typer.Option("--out", help="where the demo lives")] = Path("demo"),
    seed: Annotated[int, typer.Option("--seed")] = 0,
    viewer: Annotated[bool, typer.Option("--viewer/--no-viewer", help="open the viewer at the end")] = True,
) -> None:
    """Walk the whole way on synthetic patients: train, evaluate, score, explain, report, view."""
    run_recipe("demo", **locals())
