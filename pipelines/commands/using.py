"""From a scan to its score, heatmap and page: the commands that use a TrainedModel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import (
    CineOption,
    DeviceOption,
    EngineOption,
    FrameOption,
    GapsOption,
    ModalityOption,
    Model,
    OutOption,
    PrecisionOption,
    SeriesOption,
    Source,
    app,
    run_recipe,
)


@app.command(epilog="Example: medres predict runs/a/model exports/ct --explain --out prediction")
def predict(
    model: Model,
    path: Source,
    explain: Annotated[bool, typer.Option("--explain", help="with a heatmap and a report")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="folder for result.json and the report")] = None,
    series: SeriesOption = None,
    modality: ModalityOption = None,
    channel: Annotated[list[str] | None, typer.Option("--channel", help="name=path, once for each further one")] = None,
    nifti_frame: FrameOption = None,
    frame: CineOption = None,
    allow_gaps: GapsOption = False,
    engine: EngineOption = "torch",
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Score one scan."""
    run_recipe("predict", **locals())


@app.command(epilog="Example: medres score exports/ --model runs/a/model --out scores")
def score(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="studies", show_default=False)],
    model: Annotated[Path, typer.Option("--model", help="a TrainedModel folder")],
    out: OutOption,
    modality: ModalityOption = None,
    nifti_frame: FrameOption = None,
    allow_gaps: GapsOption = False,
    workers: Annotated[int, typer.Option("--workers", help="processes")] = 1,
    timeout: Annotated[float, typer.Option("--timeout", help="seconds for one series")] = 600.0,
    engine: EngineOption = "torch",
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
) -> None:
    """Score a folder of studies: one row for each series, resumable."""
    run_recipe("score", **locals())


@app.command(epilog="Example: medres explain runs/a/model exports/ct --out heatmap")
def explain(
    model: Model,
    path: Source,
    out: OutOption,
    label: Annotated[str | None, typer.Option("--label", help="class to explain; the positive one by default")] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of the network")] = None,
    series: SeriesOption = None,
    modality: ModalityOption = None,
    nifti_frame: FrameOption = None,
    frame: CineOption = None,
) -> None:
    """Write a Grad-CAM heatmap: NIfTI on the scan's own grid, pictures and regions in mm."""
    run_recipe("explain", **locals())


@app.command(epilog="Example: medres report prediction/result.json --out prediction/report.html")
def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="result.json or its folder", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", help="HTML file; beside the result by default")] = None,
) -> None:
    """Make the HTML page of a result."""
    run_recipe("report", **locals())


@app.command(epilog="Example: medres view scores")
def view(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDER", help="results of medres score, or scans; or several")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="a TrainedModel to score scans with")] = None,
    port: Annotated[int, typer.Option("--port")] = 8501,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser window")] = True,
    people: Annotated[
        Path | None, typer.Option("--people", help="TOML file: who may sign in (OIDC) as reader, reviewer or admin")
    ] = None,
    opinion: Annotated[
        str | None,
        typer.Option(
            "--opinion",
            help="the model's opinion before a first reading: hidden unless the reader asks (the default), shown, "
            "or locked (nobody can ask; worklist in the order of arrival)",
        ),
    ] = None,
) -> None:
    """Open the viewer, on this machine only."""
    run_recipe("view", **locals())
