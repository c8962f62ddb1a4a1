"""Lists of scans that may be learnt from: the commands about manifests, splits and audits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import ModalityOption, OutOption, SplitOption, app, run_recipe


@app.command(epilog="Example: medres manifest studies/ manifest.csv --table labels.csv")
def manifest(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="folder, or MedMNIST .npz", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="manifest to write", show_default=False)],
    table: Annotated[Path | None, typer.Option("--table", help="CSV: label + path, series, study ...")] = None,
    modality: ModalityOption = None,
    label_names: Annotated[str | None, typer.Option("--label-names", help="MedMNIST: names of labels 0,1,...")] = None,
    channels: Annotated[
        str | None, typer.Option("--channels", help="sequences of a study as one row: t1c=T1.*GD,flair=FLAIR")
    ] = None,
) -> None:
    """List the scans of a folder per class, of a tree with a label table, or of a MedMNIST file as a manifest."""
    run_recipe("manifest", **locals())


@app.command(epilog="Example: medres split manifest.csv --out split.json --test 0.2 --validation 0.2 --seed 0")
def split(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    out: OutOption,
    test: Annotated[float, typer.Option("--test", help="share of rows")] = 0.2,
    validation: Annotated[float, typer.Option("--validation", help="share of rows")] = 0.2,
    folds: Annotated[int, typer.Option("--folds", help="k folds instead of three parts (0: three parts)")] = 0,
    inner_folds: Annotated[int, typer.Option("--inner-folds", help="nested: folds within what each fold leaves")] = 0,
    group: Annotated[list[str] | None, typer.Option("--group", help="also keep this column together: site ...")] = None,
    labels_per: Annotated[str, typer.Option("--labels-per", help="patient: refuse one with two labels")] = "scan",
    new: Annotated[bool, typer.Option("--new", help="make a new split though a split column stands there")] = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Split by patient and stratified by label; frozen to a file bound to the manifest."""
    run_recipe("split", **locals())


@app.command(epilog="Example: medres audit manifest.csv --split split.json --out audit --fix groups")
def audit(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    out: OutOption,
    split: SplitOption = None,
    fix: Annotated[str | None, typer.Option("--fix", help="groups: write the groups that a safe split needs")] = None,
    workers: Annotated[int, typer.Option("--workers", help="processes (0: one for each core)")] = 0,
) -> None:
    """Look for copies, leaks, label conflicts and shortcuts; exit status 3 where a split leaks or scans are refused."""
    run_recipe("audit", **locals())
