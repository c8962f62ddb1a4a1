"""`medres pretrain`: an experiment and scans without labels -> weights to start its training from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.datasets.split_file import read_split
from medres.errors import TrainingError
from medres.io.privacy import load_site_key
from medres.models.registry import build_network, check_input_size
from medres.results.disclaimer import Stamp
from medres.results.plots import training_curves
from medres.results.writing import write_bytes
from medres.training.dataset import prepare_scans
from medres.training.prepared import PreparedScan
from medres.training.pretraining.loop import Watch, pretrain
from medres.training.pretraining.record import HISTORY, RECORD, WEIGHTS, save_pretrained, seen_patients
from medres.training.spec import ExperimentSpec, LabelSpec
from medres.training.toml_file import read_experiment
from pipelines import console
from pipelines.training import told_when_stopped

BACKBONE, RUN, CACHE = "backbone", "run", "cache"
NO_LABEL = "scan without a label"
PANELS = {"loss (-1: all alike)": ("loss",), "spread (0: collapsed)": ("spread",), "learning rate": ("learning_rate",)}


def run(
    config: Path,
    manifest: Path,
    out: Path,
    split: Path | None = None,
    fold: int | None = None,
    device: str = "cpu",
    resume: bool = False,
) -> int:
    """Learn from every scan of the manifest, or from the split's training part; labels are not looked at."""
    experiment = read_experiment(config)
    if (out / BACKBONE / RECORD).exists() and not resume:
        raise TrainingError("E_TRAIN_OUT", "the output folder must be free, got one with a pretrained backbone")
    listed = read_manifest(manifest)
    rows = learn_from(read_split(split, listed), fold).rows(listed, "train") if split else listed.rows
    scans = _prepare(listed, rows, experiment, out / CACHE)
    network = build_network(experiment.network_spec, experiment.pretraining.seed)
    check_input_size(experiment.network_spec, scans[0].view(0).shape[1:])
    began = time.monotonic()
    with console.progress("pretrain") as advance:
        watch = watching(advance, Watch(out / RUN, _identity(experiment, scans), device, resume))
        with told_when_stopped():
            found = pretrain(network, scans, experiment.preprocessing, experiment.pretraining, watch)
    facts = {
        "manifest_digest": listed.digest,
        "part": "train" if split else "all",
        "device": device,
        "seconds": round(time.monotonic() - began, 1),
    }
    save_pretrained(out / BACKBONE, found, experiment, scans, load_site_key(), facts)
    stamp = Stamp(f"{experiment.name}, pretraining", experiment.version, date.today().isoformat())
    curves = training_curves((out / BACKBONE / HISTORY).read_bytes(), stamp, PANELS)
    write_bytes(out / "curves.png", curves, "the curves")
    console.say(f"weights   {out / BACKBONE / WEIGHTS}   (name them as `weights` in the experiment's TOML)")
    console.say(f"curves    {out / 'curves.png'}")
    last = found.history[-1]
    console.say(
        f"{len(scans)} scans, {len(found.history)} epochs: loss {last['loss']:.3f}, spread {last['spread']:.2f}"
    )
    return console.EXIT_OK


def learn_from(split: Split, fold: int | None) -> Split:
    """Take one fold of a split into folds; a split into parts as it is."""
    if fold is not None:
        return split.fold(fold)
    if split.kind != "parts":
        count = len(split.fold_names)
        raise TrainingError("E_USAGE", f"--fold must be 0 to {count - 1} for this split into folds, got none")
    return split


def _prepare(
    listed: Manifest, rows: tuple[ManifestRow, ...], experiment: ExperimentSpec, cache: Path
) -> tuple[PreparedScan, ...]:
    """Prepare all rows under one label, whatever theirs are."""
    alike = [replace(row, label=NO_LABEL) for row in rows]
    labels = LabelSpec(positive=NO_LABEL, groups={NO_LABEL: (NO_LABEL,), "": ("",)})
    with console.progress("prepare") as advance:
        return prepare_scans(
            listed,
            alike,
            experiment.preprocessing,
            labels,
            cache=cache,
            on_progress=lambda done, total: advance(done, total, note="scans prepared"),
        )


def _identity(experiment: ExperimentSpec, scans: tuple[PreparedScan, ...]) -> str:
    """Name all that decides the result: what is learnt, how, from which scans in which order."""
    parts = [experiment.network_spec.digest, experiment.preprocessing.digest, experiment.pretraining.digest]
    return hashlib.sha256(" ".join([*parts, *(scan.content_digest for scan in scans)]).encode()).hexdigest()


def watching(advance: Callable[..., None], watch: Watch) -> Watch:
    """Show loss and spread beside the bar; without a terminal, one line for each epoch."""
    last = {"note": ""}

    def on_step(step: int, steps: int, loss: float) -> None:
        advance(step, steps, note=f"loss {loss:.3f}{last['note']}")

    def on_epoch(row: dict[str, float]) -> None:
        last["note"] = f", epoch {row['epoch']:.0f}: spread {row['spread']:.2f}"
        if not console.err.is_terminal:
            console.err.print(
                f"epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, spread {row['spread']:.2f}, {row['seconds']:.1f} s"
            )

    return replace(watch, on_step=on_step, on_epoch=on_epoch)


def tell_seen(weights: Path | None, scans: Manifest, parts: Split) -> dict[str, str]:
    """Say for the model card whether the starting weights saw, without labels, patients who are not learnt from."""
    if weights is None:
        return {}
    held_out = [row for name in parts.parts if name != "train" for row in parts.rows(scans, name)]
    count = seen_patients(weights, (row.patient_id for row in held_out), load_site_key())
    if not count:
        return {}
    told = f"{count} patients outside the training part were in the pretraining, without their labels"
    console.say(f"note      {told}")
    return {"pretraining": told}
