"""From lists of scans to a TrainedModel: the commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import DeviceOption, ManifestOption, OutOption, app, run_recipe


@app.command(
    epilog="Example: medres train pipelines/configs/lung_nodules.toml --manifest m.csv --split s.json --out runs/a"
)
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="the experiment", show_default=False)],
    manifest: ManifestOption,
    split: Annotated[Path, typer.Option("--split", help="split file made by medres split")],
    out: OutOption,
    device: DeviceOption = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="go on after a kill, to the same weights")] = False,
    fold: Annotated[int | None, typer.Option("--fold", help="train one fold of a split into folds")] = None,
    folds: Annotated[bool, typer.Option("--folds", help="train every fold; finished ones are skipped")] = False,
    accept_leak: Annotated[list[str] | None, typer.Option("--accept-leak", help="name of a leak to accept")] = None,
) -> None:
    """Train a classifier and write it as a TrainedModel folder; with --folds one for each fold, and their scores."""
    run_recipe("train", **locals())


@app.command(epilog="Example: medres select runs/a runs/b --out runs/best")
def select(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="made by train --folds", show_default=False)],
    out: OutOption,
    name: Annotated[str | None, typer.Option("--name", help="of the model that comes out")] = None,
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="resamples, three labels and more")] = 1000,
) -> None:
    """Choose the best of several runs on the same folds, or their ensemble; the simpler wins unless surely worse."""
    run_recipe("select", **locals())
