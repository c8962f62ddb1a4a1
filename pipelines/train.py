"""`medres train`: an experiment's TOML, a manifest and a split -> a TrainedModel folder with its curves."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from medres.datasets.audit import check_split
from medres.datasets.leaks import describe_acceptance, refuse_leaks
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split
from medres.errors import TrainingError
from medres.models.transfer import LoadingRecord
from medres.training.module import Watchers
from medres.training.toml_file import read_experiment
from medres.training.train import MODEL, Run, Source, train
from pipelines import console
from pipelines.curves import draw_curves
from pipelines.explanations import add_explanation


def run(
    config: Path,
    manifest: Path,
    split: Path,
    out: Path,
    device: str = "cpu",
    resume: bool = False,
    fold: int | None = None,
    accept_leak: list[str] | None = None,
) -> int:
    """Train, draw the curves, say what came out."""
    experiment = read_experiment(config)
    scans = read_manifest(manifest, labels=experiment.labels.known)
    accepted = accept_leak or []
    parts = choose_parts(read_split(split, scans, allow_leaks=any(n.startswith("patients:") for n in accepted)), fold)
    audit = refuse_leaking(scans, parts, accepted)
    weights = config.parent / experiment.weights if experiment.weights else None
    source = Source(scans, parts, weights, cache=out / "cache", audit=audit)
    with console.progress("train") as advance:
        prepare = partial(advance, note="scans prepared")
        model = train(experiment, source, out, Run(device, resume, True, watch(advance), prepare, say_loading))
    with console.progress("heatmaps") as advance:
        model = add_explanation(model, scans, parts, experiment.labels, advance)
    draw_curves(model.read_file("history.csv"), out / "curves.png", experiment.name)
    facts = model.spec.provenance
    console.say(f"model     {out / MODEL}")
    console.say(f"curves    {out / 'curves.png'}")
    console.say(
        f"validation AUROC {facts['validation_auroc']:.3f} at epoch {facts['best_epoch']} of {facts['epochs']} "
        f"(the part it was chosen on: no test result), {facts['precision']}, "
        f"{facts['training_seconds'] / 60:.1f} min"
    )
    return console.EXIT_OK


def refuse_leaking(scans: Manifest, parts: Split, accepted: list[str]) -> dict[str, str]:
    """Refuse parts that share patients, copies or near-copies, but for leaks accepted by name; say so for the card."""
    cores = os.cpu_count() or 1
    with console.progress("audit") as advance:
        leaks = check_split(
            scans, parts, workers=cores, on_progress=lambda step, done, total: advance(done, total=total, note=step)
        )
    refuse_leaks(leaks, accepted)
    return describe_acceptance(leaks, accepted)


def choose_parts(split: Split, fold: int | None) -> Split:
    """Take one fold of a split into folds; a split into parts as it is."""
    if fold is not None:
        return split.fold(fold)
    if split.kind != "parts":
        count = len(split.fold_names)
        raise TrainingError("E_USAGE", f"a split into {count} folds needs --fold, got none", f"0 to {count - 1}")
    return split


def watch(advance: Callable[..., None]) -> Watchers:
    """Show loss and the last validation AUROC beside the bar; without a terminal, one line for each epoch."""
    last = {"note": ""}

    def on_batch(step: int, steps: int, loss: float) -> None:
        advance(step, steps, note=f"loss {loss:.3f}{last['note']}")

    def on_epoch(row: dict[str, float]) -> None:
        last["note"] = f", epoch {row['epoch']:.0f}: validation AUROC {row['validation_auroc']:.3f}"
        if not console.err.is_terminal:
            console.err.print(
                f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.3f}, "
                f"validation loss {row['validation_loss']:.3f}, validation AUROC {row['validation_auroc']:.3f}, "
                f"{row['seconds']:.1f} s"
            )

    return Watchers(on_batch, on_epoch)


def say_loading(record: LoadingRecord) -> None:
    """Show what the starting weights gave."""
    rows = [[what, str(count), names] for what, count, names in record.rows()]
    title = f"starting weights ({record.layout} layout): {100 * record.coverage:.1f} % of the backbone"
    console.table(title, ["", "names", "which"], rows)
