"""`medres train`: an experiment's TOML, a manifest and a split -> a TrainedModel folder, or one for each fold."""

from __future__ import annotations

from pathlib import Path

from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split
from medres.errors import TrainingError
from medres.models.download import find_start
from medres.training.processes import count_devices, is_leader
from medres.training.toml_file import read_experiment
from pipelines import console
from pipelines.find_rate import sweep_rates
from pipelines.folds import train_folds
from pipelines.pretrain import tell_seen
from pipelines.training import Task, find_finished, refuse_leaking, train_once


def run(
    config: Path,
    manifest: Path,
    split: Path,
    out: Path,
    device: str = "cpu",
    resume: bool = False,
    fold: int | None = None,
    folds: bool = False,
    accept_leak: list[str] | None = None,
    devices: int = 1,
    strategy: str = "auto",
    find_rate: bool = False,
) -> int:
    """Train one model, or one for each fold; draw the curves, say what came out."""
    if not is_leader():
        console.hush()
    devices = count_devices(devices)
    experiment = read_experiment(config)
    scans = read_manifest(manifest, labels=experiment.labels.known)
    accepted = accept_leak or []
    whole = read_split(split, scans, allow_leaks=any(n.startswith("patients:") for n in accepted))
    parts = check_folds(whole, fold) if folds else choose_parts(whole, fold)
    weights = find_start(experiment.weights, config.parent) if experiment.weights else None
    if folds and devices > 1:
        raise TrainingError("E_USAGE", f"--folds trains on one device, got {devices}", "train each with --fold K")
    audit = refuse_leaking(scans, parts, accepted) | tell_seen(weights, scans, parts) if is_leader() else {}
    task = Task(experiment, scans, weights, out / "cache", device, audit, devices, strategy if devices > 1 else "auto")
    if find_rate:
        return sweep_rates(task, parts if not folds else whole.fold(0), out)
    if folds:
        return train_folds(task, whole, out)
    if not (resume and find_finished(task, parts, out)):
        train_once(task, parts, out, resume=resume)
    return console.EXIT_OK


def check_folds(split: Split, fold: int | None) -> Split:
    """Refuse `--folds` for what is no split into folds, or beside `--fold`."""
    if fold is not None:
        raise TrainingError("E_USAGE", f"--folds trains every fold, got --fold {fold} too", "give one of them")
    if split.kind == "parts":
        raise TrainingError(
            "E_USAGE", "--folds needs a split into folds, got one into parts", "medres split --folds 5 makes one"
        )
    return split


def choose_parts(split: Split, fold: int | None) -> Split:
    """Take one fold of a split into folds; a split into parts as it is."""
    if fold is not None:
        return split.fold(fold)
    if split.kind != "parts":
        count = len(split.fold_names)
        raise TrainingError(
            "E_USAGE", f"a split into {count} folds needs --fold or --folds, got none", f"--fold 0 to {count - 1}"
        )
    return split
