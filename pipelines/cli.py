"""The `medres` program: registers the commands, runs one, turns a fault into one sentence and an exit status.

Heavy imports stand inside the command that needs them, so that `medres --help` answers at once.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="medres",
    help="From a DICOM or NIfTI scan to a tumour score that can be trusted, shown and reported. "
    "Research use only. Not a medical device; not for diagnosis or treatment decisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Source = Annotated[Path, typer.Argument(metavar="PATH", help="a folder or one file", show_default=False)]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="a TrainedModel folder", show_default=False)]
ManifestOption = Annotated[Path, typer.Option("--manifest", help="CSV: patient_id, path, label, ...")]
SplitOption = Annotated[Path | None, typer.Option("--split", help="split file made by medres split")]
OutOption = Annotated[Path, typer.Option("--out", help="where results go")]
SeriesOption = Annotated[str | None, typer.Option("--series", help="key of one series, as inspect shows it")]
ModalityOption = Annotated[str | None, typer.Option("--modality", help="for files that do not say: CT, MR, US, ...")]
FrameOption = Annotated[str | None, typer.Option("--nifti-frame", help="sform or qform, where they disagree")]
GapsOption = Annotated[bool, typer.Option("--allow-gaps", help="fill missing slices; not for clinical use")]
UnevenOption = Annotated[bool, typer.Option("--resample-uneven", help="even out uneven slices; not for clinical use")]
EngineOption = Annotated[str, typer.Option("--engine", help="torch or openvino")]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:0")]
PrecisionOption = Annotated[str, typer.Option("--precision", help="fp32 or bf16")]


def _run(command: str, **options: Any) -> None:
    """Import one command's recipe, run it and leave with its exit status."""
    raise typer.Exit(importlib.import_module(f"pipelines.{command}").run(**options) or 0)


@app.command(epilog="Example: medres inspect exports/ --json > inventory.json")
def inspect(
    path: Source,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="quick look: headers only")] = False,
    modality: ModalityOption = None,
    nifti_frame: FrameOption = None,
    allow_gaps: GapsOption = False,
    resample_uneven: UnevenOption = False,
) -> None:
    """List every series with its verdict, and every skipped file with its reason."""
    _run("inspect", **locals())


@app.command(epilog="Example: medres convert exports/ct ct.nii.gz")
def convert(
    path: Source,
    out: Annotated[Path, typer.Argument(metavar="OUT.nii.gz", help="NIfTI file to write", show_default=False)],
    series: SeriesOption = None,
    nifti_frame: FrameOption = None,
    allow_gaps: GapsOption = False,
    resample_uneven: UnevenOption = False,
) -> None:
    """Write one series as NIfTI: HU for CT, exact affine."""
    _run("convert", **locals())


@app.command(epilog="Example: medres link 3f9c0a1b2c3d4e5f")
def link(
    key: Annotated[str, typer.Argument(metavar="KEY", help="a pseudonym: 16 hex digits", show_default=False)],
    key_file: Annotated[Path | None, typer.Option("--key-file", help="the site's key; its own by default")] = None,
) -> None:
    """Show which patient a pseudonym stands for, from this site's own table."""
    _run("link", **locals())


@app.command(epilog="Example: medres manifest studies/ manifest.csv --table labels.csv")
def manifest(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="folder, or MedMNIST .npz", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="manifest to write", show_default=False)],
    table: Annotated[Path | None, typer.Option("--table", help="CSV: label + path, series, study ...")] = None,
    modality: ModalityOption = None,
    label_names: Annotated[str | None, typer.Option("--label-names", help="MedMNIST: names of labels 0,1,...")] = None,
) -> None:
    """List the scans of a folder per class, of a tree with a label table, or of a MedMNIST file as a manifest."""
    _run("manifest", **locals())


@app.command(epilog="Example: medres split manifest.csv --out split.json --test 0.2 --validation 0.2 --seed 0")
def split(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    out: OutOption,
    test: Annotated[float, typer.Option("--test", help="share of patients")] = 0.2,
    validation: Annotated[float, typer.Option("--validation", help="share of patients")] = 0.2,
    folds: Annotated[int, typer.Option("--folds", help="k folds instead of three parts (0: three parts)")] = 0,
    inner_folds: Annotated[int, typer.Option("--inner-folds", help="nested: folds within what each fold leaves")] = 0,
    group: Annotated[list[str] | None, typer.Option("--group", help="also keep this column together: site ...")] = None,
    labels_per: Annotated[str, typer.Option("--labels-per", help="patient: refuse one with two labels")] = "scan",
    new: Annotated[bool, typer.Option("--new", help="make a new split though a split column stands there")] = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Split by patient and stratified by label; frozen to a file bound to the manifest."""
    _run("split", **locals())


@app.command(epilog="Example: medres audit manifest.csv --split split.json --out audit --fix groups")
def audit(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    out: OutOption,
    split: SplitOption = None,
    fix: Annotated[str | None, typer.Option("--fix", help="groups: write the groups that a safe split needs")] = None,
    workers: Annotated[int, typer.Option("--workers", help="processes (0: one for each core)")] = 0,
) -> None:
    """Look for copies, leaks, label conflicts and shortcuts; exit status 3 where a split leaks or scans are refused."""
    _run("audit", **locals())


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
    accept_leak: Annotated[list[str] | None, typer.Option("--accept-leak", help="name of a leak to accept")] = None,
) -> None:
    """Train a classifier and write it as a TrainedModel folder."""
    _run("train", **locals())


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
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="resamples")] = 2000,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: DeviceOption = "cpu",
    update_model: Annotated[bool, typer.Option("--update-model", help="keep the numbers in the model's card")] = False,
) -> None:
    """Evaluate on rows the model has never seen (or on a table of predictions), every number with its interval."""
    _run("evaluate", **locals())


@app.command(epilog="Example: medres compare runs/a/evaluation runs/b/evaluation --out compared")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="predictions CSV, evaluation folder or model")],
    second: Annotated[Path, typer.Argument(metavar="B", help="the same, on the same scans")],
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
    _run("compare", **locals())


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
    _run("power", **locals())


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
    _run("drift", **locals())


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
    allow_gaps: GapsOption = False,
    engine: EngineOption = "torch",
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Score one scan."""
    _run("predict", **locals())


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
    _run("score", **locals())


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
) -> None:
    """Write a Grad-CAM heatmap: NIfTI on the scan's own grid, pictures and regions in mm."""
    _run("explain", **locals())


@app.command(epilog="Example: medres report prediction/result.json --out prediction/report.html")
def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="result.json or its folder", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", help="HTML file; beside the result by default")] = None,
) -> None:
    """Make the HTML page of a result."""
    _run("report", **locals())


@app.command(epilog="Example: medres view scores")
def view(
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="results of medres score, or scans")] = None,
    model: Annotated[Path | None, typer.Option("--model", help="a TrainedModel to score scans with")] = None,
    port: Annotated[int, typer.Option("--port")] = 8501,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser window")] = True,
) -> None:
    """Open the viewer, on this machine only."""
    _run("view", **locals())


review_app = typer.Typer(help="Prove and export what readers recorded.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(review_app, name="review")
ReviewStoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="results folder, review file or database URL", show_default=False)
]
KeyFileOption = Annotated[Path | None, typer.Option("--key-file", help="the site's key; its own by default")]


@review_app.command("verify", epilog="Example: medres review verify scores --head 12-4f0c...")
def review_verify(
    store: ReviewStoreArgument,
    head: Annotated[str | None, typer.Option("--head", help="as printed earlier; finds a trail that was cut")] = None,
    key_file: KeyFileOption = None,
) -> None:
    """Find a changed, removed or cut entry; print the head to keep elsewhere."""
    _run("review", action="verify", **locals())


@review_app.command("export", epilog="Example: medres review export scores --out readings")
def review_export(
    store: ReviewStoreArgument,
    out: OutOption,
    folder: Annotated[Path | None, typer.Option("--folder", help="results or scans that were read")] = None,
    key_file: KeyFileOption = None,
) -> None:
    """Write a manifest for the next training and the report of agreement between readers and model."""
    _run("review", action="export", **locals())


@app.command(epilog="Example: medres demo --out demo")
def demo(
    out: Annotated[Path, typer.Option("--out", help="where the demo lives")] = Path("demo"),
    seed: Annotated[int, typer.Option("--seed")] = 0,
    viewer: Annotated[bool, typer.Option("--viewer/--no-viewer", help="open the viewer at the end")] = True,
) -> None:
    """Walk the whole way on synthetic patients: train, evaluate, score, explain, report, view."""
    _run("demo", **locals())


def _version(shown: bool) -> None:
    if shown:
        typer.echo(importlib.import_module("medres").__version__)
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="show it")] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program; a named fault becomes one sentence on stderr and exit status 1."""
    from medres.errors import MedresError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except MedresError as error:
        from pipelines.console import say_error

        say_error(error)
        sys.exit(2 if error.code == "E_USAGE" else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(141)
    except Exception as error:  # a trace may quote the scan: one sentence here too
        from pipelines.console import say_unnamed

        if os.environ.get("MEDRES_TRACEBACK"):
            raise
        say_unnamed(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
