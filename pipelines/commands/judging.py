"""From scores to numbers with intervals: the commands that evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import DeviceOption, OutOption, SplitOption, app, run_recipe


@app.command(epilog="Example: medres evaluate runs/a/model --manifest m.csv --split s.json --out runs/a/evaluation")
def evaluate(
    out: OutOption,
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", help="a TrainedModel", show_default=False)] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="CSV: patient_id, path, label, ...")] = None,
    split: SplitOption = None,
    part: Annotated[str, typer.Option("--part", help="part of the split")] = "test",
    predictions: Annotated[Path | None, typer.Option("--predictions", help="CSV instead of a model")] = None,
    validation: Annotated[Path | None, typer.Option("--validation", help="CSV to choose thresholds on")] = None,
    positive: Annotated[str | None, typer.Option("--positive", help="positive class, where labels are names")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="stated beforehand, never chosen here")] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="youden, sensitivity>=0.95, specificity>=0.95, cost(fn=5,fp=1)")
    ] = None,
    scale: Annotated[str, typer.Option("--scale", help="probability, or any: then no calibration")] = "probability",
    marks: Annotated[Path | None, typer.Option("--marks", help="CSV: scan, score, lesion (for FROC)")] = None,
    lesions: Annotated[Path | None, typer.Option("--lesions", help="CSV: scan, n_lesions (for FROC)")] = None,
    localise: Annotated[
        bool,
        typer.Option("--localise", help="hold the model's places or heatmaps against points_path or mask_path (FROC)"),
    ] = False,
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="resamples")] = 2000,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: DeviceOption = "cpu",
    update_model: Annotated[bool, typer.Option("--update-model", help="keep the numbers in the model's card")] = False,
) -> None:
    """Evaluate on rows the model has never seen (or on a table of predictions), every number with its interval."""
    run_recipe("evaluate", **locals())


@app.command(epilog="Example: medres compare runs/a/evaluation runs/b/evaluation --out compared")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="predictions CSV, evaluation folder or model")],
    second: Annotated[
        Path | None, typer.Argument(metavar="B", help="the same, on the same scans", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="where results go")] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="CSV; needed where A or B is a model")] = None,
    split: SplitOption = None,
    part: Annotated[str, typer.Option("--part", help="part of the split")] = "test",
    positive: Annotated[str | None, typer.Option("--positive", help="positive class, where labels are names")] = None,
    threshold: Annotated[
        list[float] | None, typer.Option("--threshold", help="of both, or twice: of A and of B")
    ] = None,
    readers: Annotated[
        Path | None, typer.Option("--readers", help="CSV: scan, reader, decision or rating, way")
    ] = None,
    scale: Annotated[str, typer.Option("--scale", help="probability, or any: then no net benefit")] = "probability",
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="resamples")] = 2000,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Compare two models or prediction tables on the same scans, and with readers."""
    run_recipe("compare", **locals())


@app.command(epilog="Example: medres power --auroc 0.8 --power 0.9 --ratio 3")
def power(
    auroc: Annotated[float | None, typer.Option("--auroc", help="hoped for, against 0.5")] = None,
    n_positive: Annotated[int | None, typer.Option("--n-positive", help="then the power of this many")] = None,
    n_negative: Annotated[int | None, typer.Option("--n-negative")] = None,
    power: Annotated[float, typer.Option("--power", help="wanted")] = 0.9,
    ratio: Annotated[float, typer.Option("--ratio", help="negatives for each positive")] = 1.0,
    alpha: Annotated[float, typer.Option("--alpha", help="two-sided level")] = 0.05,
    sensitivity: Annotated[float | None, typer.Option("--sensitivity", help="expected; needs --prevalence")] = None,
    specificity: Annotated[float | None, typer.Option("--specificity", help="expected; needs --prevalence")] = None,
    half_width: Annotated[float, typer.Option("--half-width", help="of the interval wanted")] = 0.05,
    prevalence: Annotated[float | None, typer.Option("--prevalence", help="among those collected")] = None,
    no_events_in: Annotated[
        int | None, typer.Option("--no-events-in", help="upper limit after none in this many")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Say how many patients a study needs, or how sure it can be."""
    run_recipe("power", **locals())


@app.command(epilog="Example: medres drift january/predictions.csv february/predictions.csv --out drift")
def drift(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="predictions or results CSV")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="the same of a new month")],
    out: Annotated[Path | None, typer.Option("--out", help="where results go")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="for the flag rate, without decisions")] = None,
    psi: Annotated[float, typer.Option("--psi", help="least PSI of an alert")] = 0.2,
    alpha: Annotated[float, typer.Option("--alpha", help="level of every test")] = 0.01,
) -> None:
    """Compare scores and inputs of a new month with the reference window; exit status 3 on an alert."""
    run_recipe("drift", **locals())
