"""From lists of scans to a TrainedModel: the commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import DeviceOption, ManifestOption, OutOption, SplitOption, app, run_recipe


@app.command(epilog="Example: medres plan manifest.csv --positive malignant --out plan")
def plan(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    out: OutOption,
    positive: Annotated[str | None, typer.Option("--positive", help="label that decisions are about")] = None,
    rest: Annotated[bool, typer.Option("--rest", help="all other labels become one")] = False,
    name: Annotated[str | None, typer.Option("--name", help="of the model")] = None,
    sample: Annotated[int, typer.Option("--sample", help="scans that are read")] = 120,
    device: DeviceOption = "cpu",
) -> None:
    """Measure the scans and plan an experiment: every choice with its reason, and the time it will take here."""
    run_recipe("plan", **locals())


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
    devices: Annotated[int, typer.Option("--devices", help="processes that train together")] = 1,
    strategy: Annotated[str, typer.Option("--strategy", help="of several devices: ddp, fsdp ...")] = "ddp",
    find_rate: Annotated[bool, typer.Option("--find-rate", help="draw the loss over the rate; train nothing")] = False,
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


@app.command(epilog="Example: medres pretrain experiment.toml --manifest scans.csv --out runs/pretrained")
def pretrain(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="the experiment", show_default=False)],
    manifest: ManifestOption,
    out: OutOption,
    split: SplitOption = None,
    fold: Annotated[int | None, typer.Option("--fold", help="of a split into folds: its training part")] = None,
    device: DeviceOption = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="go on after a kill, to the same weights")] = False,
) -> None:
    """Learn from scans without labels (with --split from its training part): weights for a training to start from."""
    run_recipe("pretrain", **locals())


@app.command(
    "compare-networks",
    epilog="Example: medres compare-networks m.csv --networks resnet18:0.5,resnet50:0.5 --config e.toml --out compared",
)
def compare_networks(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="CSV", show_default=False)],
    networks: Annotated[str, typer.Option("--networks", help="names with commas; resnet18:0.5 is of half width")],
    config: Annotated[Path, typer.Option("--config", help="the experiment; its network is replaced")],
    out: OutOption,
    split: Annotated[Path | None, typer.Option("--split", help="into folds; without it five are made")] = None,
    device: DeviceOption = "cpu",
    accept_leak: Annotated[list[str] | None, typer.Option("--accept-leak", help="name of a leak to accept")] = None,
) -> None:
    """Train several networks on the same folds: cost against AUROC, and whether the dearer one pays; resumable."""
    run_recipe("compare_networks", **locals())


@app.command(
    "augment-preview", epilog="Example: medres augment-preview experiment.toml --manifest m.csv --out augmentation.png"
)
def augment_preview(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="the experiment", show_default=False)],
    manifest: ManifestOption,
    out: Annotated[Path, typer.Option("--out", help="PNG to write")],
    split: SplitOption = None,
    scans: Annotated[int, typer.Option("--scans", help="how many scans, labels in turn")] = 4,
    variants: Annotated[int, typer.Option("--variants", help="how many variants of each")] = 6,
    strength: Annotated[float | None, typer.Option("--strength", help="turn the policy's dial, 0 to 1")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Draw a contact sheet of scans before and after augmentation, all changes together and each alone."""
    run_recipe("augment_preview", **locals())
