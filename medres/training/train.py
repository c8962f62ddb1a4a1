"""Manifest + split + ExperimentSpec -> TrainedModel folder: the whole training, from files to files.

Ties the rooms' parts together; knows no screen. `out` holds `model/` (the TrainedModel) and `run/` (checkpoints, logs).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import monai
import psutil
import torch
from lightning.pytorch.strategies import StrategyRegistry

import medres
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.errors import TrainingError
from medres.io.privacy import load_site_key
from medres.models.registry import build_network, check_input_size
from medres.models.spec import shown_size
from medres.models.trained_model import DESCRIPTION, TrainedModel
from medres.models.transfer import LoadingRecord, load_weights
from medres.training.dataset import prepare_scans
from medres.training.finish import Data, finish
from medres.training.fit import Workplace, check_classes, fit_network, refuse_too_large, share_of_batch
from medres.training.instances import Supervision
from medres.training.module import Watchers
from medres.training.precision import find_device
from medres.training.prepared import PreparedScan
from medres.training.processes import count_machines
from medres.training.spec import ExperimentSpec
from medres.training.tracking import find_mlflow

MODEL, RUN = "model", "run"
WATTS_OF_A_CORE, WATTS_OF_A_GPU = 10.0, 300.0  # assumed: no meter is read


@dataclass(frozen=True)
class Source:
    """What is learnt from.

    Attributes:
        manifest: scans.
        split: with parts "train" and "validation".
        weights: file or TrainedModel folder to start from; None draws weights from the seed.
        cache: folder for prepared tensors; None prepares each time.
        audit: what the search for leaks found and what was accepted, JSON-able; it goes into the model card.
    """

    manifest: Manifest
    split: Split
    weights: Path | None = None
    cache: Path | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """Where and on what.

    Attributes:
        device: "cpu", "cuda" or "cuda:0".
        resume: go on after a kill, to the same weights.
        tensorboard: write TensorBoard's files too, and MLflow's where it is installed.
        watchers: who is told of the epochs.
        on_prepare: called with (scans prepared, scans in all).
        devices: processes that train together.
        strategy: as Lightning names it.
        on_loaded: called with the record of the starting weights.
    """

    device: str = "cpu"
    resume: bool = False
    tensorboard: bool = True
    watchers: Watchers = field(default_factory=Watchers)
    on_prepare: Callable[[int, int], None] | None = None
    on_loaded: Callable[[LoadingRecord], None] | None = None
    devices: int = 1
    strategy: str = "auto"


def train(experiment: ExperimentSpec, source: Source, out: Path, run: Run | None = None) -> TrainedModel | None:
    """Train a classifier on the split's training part and save it.

    Args:
        experiment: how.
        source: manifest, split and starting weights.
        out: folder; `out/model` becomes the TrainedModel.
        run: where and on what; None takes the CPU.

    Returns:
        The model as loaded from the disk; None in a process that only helps another one train (`processes.py`).

    Raises:
        MedresError: what reading, preparing, training or saving refuses, by its code.
    """
    run = run or Run()
    _check_out(out, run.resume)
    began, busy = time.time(), time.process_time()
    _check_processes(experiment, run)
    _refuse_early(experiment, source, run)
    training, validation = _prepare(experiment, source, run)
    place = Workplace(out / RUN, run.device, run.resume, run.tensorboard, run.watchers, run.devices, run.strategy)
    start = _start(experiment, source.weights, run)
    fitted = fit_network(experiment, training, validation, place, start)
    if fitted is None:
        return None
    data = Data(training, validation, load_site_key())
    seconds, cpu_seconds = time.time() - began + fitted.before[0], time.process_time() - busy + fitted.before[1]
    facts = _provenance(experiment, source, run, training, validation) | {"seconds": round(seconds, 1)}
    facts |= {"energy": estimate_energy(cpu_seconds, seconds, run)}
    model = finish(experiment, fitted, data, out / MODEL, facts)
    tracker = find_mlflow(out / RUN, experiment, resume=True) if run.tensorboard else None
    if tracker is not None and tracker.has_begun:
        tracker.log_papers(model.folder)
    return model


def _refuse_early(experiment: ExperimentSpec, source: Source, run: Run) -> None:
    """Refuse before any scan is read what the manifest and the experiment alone tell: classes, size, memory, device."""
    labels, device = experiment.labels, find_device(run.device)
    for part, said in (("train", "training"), ("validation", "validation")):
        rows = source.split.rows(source.manifest, part)
        if all(row.label in labels.known for row in rows):  # others are refused by name when they are prepared
            check_classes(experiment, [(row.patient_id, labels.index_of(row.label)) for row in rows], said)
    size = shown_size(experiment.preprocessing)
    if size is not None:
        check_input_size(experiment.network_spec, size)
        shape = (experiment.preprocessing.tensor_channels, *size)
        with torch.device("meta"):  # shapes alone: weights may be what does not fit
            network = build_network(experiment.network_spec, experiment.training.seed)
        refuse_too_large(experiment, network, share_of_batch(experiment, run.devices), shape, device)


def _check_processes(experiment: ExperimentSpec, run: Run) -> None:
    """Refuse a strategy that nobody knows, and more processes than a batch has pairs of scans."""
    most = max(1, experiment.training.batch_size // 2)
    processes = run.devices * count_machines()
    if run.strategy not in (known := ("auto", *StrategyRegistry.available_strategies())):
        near = difflib.get_close_matches(run.strategy, known, n=1) or ["ddp"]
        raise TrainingError("E_USAGE", f"--strategy must be one of Lightning's, got {run.strategy!r}", f"try {near[0]}")
    if not 1 <= processes <= most:
        told = f"processes must be 1 to {most} with batch_size = {experiment.training.batch_size}, got {processes}"
        raise TrainingError("E_USAGE", told, "each process needs two scans of every batch")


def estimate_energy(cpu_seconds: float, seconds: float, run: Run) -> dict[str, Any]:
    """Estimate what a training took from the wall, without a meter.

    Args:
        cpu_seconds: of this process on all cores.
        seconds: by the clock.
        run: on what.

    Returns:
        Watt-hours and what they rest on.

    Example:
        >>> estimate_energy(3600.0, 1800.0, Run())["watt_hours"]
        10.0
    """
    on_gpu = run.device.startswith("cuda")
    watts = WATTS_OF_A_CORE * cpu_seconds * (1 if on_gpu else run.devices)
    watts += WATTS_OF_A_GPU * seconds * run.devices if on_gpu else 0.0
    basis = f"{WATTS_OF_A_CORE:g} W a busy core" + (f", {WATTS_OF_A_GPU:g} W a GPU" if on_gpu else "")
    return {"watt_hours": round(watts / 3600.0, 2), "estimated_from": basis}


def _check_out(out: Path, resume: bool) -> None:
    """Refuse a folder that already holds a finished training."""
    if (out / MODEL / DESCRIPTION).exists() and not resume:
        raise TrainingError("E_TRAIN_OUT", "the output folder must be free, got one with a trained model")


def _prepare(
    experiment: ExperimentSpec, source: Source, run: Run
) -> tuple[tuple[PreparedScan, ...], tuple[PreparedScan, ...]]:
    """Read and prepare both parts under one count."""
    parts = [source.split.rows(source.manifest, name) for name in ("train", "validation")]
    total, before, found = sum(map(len, parts)), 0, []
    told_by: tuple[Supervision, Supervision] = (experiment.training.supervision, "scan")
    for rows, supervision in zip(parts, told_by, strict=True):

        def advance(done: int, _: int, before: int = before) -> None:
            """Count on from the part before."""
            if run.on_prepare is not None:
                run.on_prepare(before + done, total)

        spec, labels = experiment.preprocessing, experiment.labels
        where = (source.manifest, rows, spec, labels)
        found.append(prepare_scans(*where, cache=source.cache, on_progress=advance, supervision=supervision))
        before += len(rows)
    return found[0], found[1]


def _start(experiment: ExperimentSpec, weights: Path | None, run: Run) -> tuple[torch.nn.Module, LoadingRecord] | None:
    """Load starting weights; the head stays freshly drawn, since it belongs to other labels."""
    if weights is None:
        return None
    network = build_network(experiment.network_spec, experiment.training.seed)
    record = load_weights(network, weights, head="replace", carry=experiment.carry)
    if run.on_loaded is not None:
        run.on_loaded(record)
    return network, record


def _provenance(
    experiment: ExperimentSpec,
    source: Source,
    run: Run,
    training: tuple[PreparedScan, ...],
    validation: tuple[PreparedScan, ...],
) -> dict[str, Any]:
    """Gather what the model was made of."""
    names = experiment.labels.names
    counts = {
        part: {name: sum(scan.label == index for scan in scans) for index, name in enumerate(names)}
        for part, scans in (("training", training), ("validation", validation))
    }
    return {
        "experiment_digest": experiment.digest,
        "manifest_digest": source.manifest.digest,
        "split_digest": digest_parts(source.split),
        "split_method": source.split.method,
        "split_seed": source.split.seed,
        "audit": dict(source.audit),
        "seed": experiment.training.seed,
        **_supervised(experiment),
        "scans": counts,
        "versions": _versions(),
        "hardware": _hardware(run),
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _supervised(experiment: ExperimentSpec) -> dict[str, str]:
    """Say in words what taught a network of patches; nothing of any other."""
    instances = experiment.training.instances
    if instances is None:
        return {}
    if instances.supervision == "scan":
        return {"supervision": f"scan labels alone, by the {instances.top} most suspicious patches of each scan"}
    return {"supervision": f"{instances.supervision} of lesions in training scans; never used on other scans"}


def digest_parts(split: Split) -> str:
    """Digest who stands in which part of a split.

    Args:
        split: any.

    Returns:
        SHA-256 (hex).
    """
    return hashlib.sha256(json.dumps(dict(split.parts), sort_keys=True).encode()).hexdigest()


def _hardware(run: Run) -> dict[str, Any]:
    return {
        "device": run.device,
        "processes": run.devices * count_machines(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": torch.cuda.get_device_name(run.device) if run.device.startswith("cuda") else "none",
    }


def _versions() -> dict[str, str]:
    return {
        "medres": medres.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "lightning": lightning.__version__,
    }
