"""Manifest + split + ExperimentSpec -> TrainedModel folder: the whole training, from files to files.

Ties the rooms' parts together; knows no screen. `out` holds `model/` (the TrainedModel) and `run/` (checkpoints, logs).
"""

from __future__ import annotations

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
import torch

import medres
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.errors import TrainingError
from medres.io.privacy import load_site_key
from medres.models.registry import build_network
from medres.models.trained_model import DESCRIPTION, TrainedModel
from medres.models.transfer import LoadingRecord, load_weights
from medres.training.dataset import PreparedScan, prepare_scans
from medres.training.finish import Data, finish
from medres.training.fit import Place, check_classes, fit_network
from medres.training.module import Watchers
from medres.training.spec import ExperimentSpec

MODEL, RUN = "model", "run"


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
        tensorboard: write TensorBoard's files too.
        watchers: who is told of the epochs.
        on_prepare: called with (scans prepared, scans in all).
        on_loaded: called with the record of the starting weights.
    """

    device: str = "cpu"
    resume: bool = False
    tensorboard: bool = True
    watchers: Watchers = field(default_factory=Watchers)
    on_prepare: Callable[[int, int], None] | None = None
    on_loaded: Callable[[LoadingRecord], None] | None = None


def train(experiment: ExperimentSpec, source: Source, out: Path, run: Run | None = None) -> TrainedModel:
    """Train a classifier on the split's training part and save it.

    Args:
        experiment: how.
        source: manifest, split and starting weights.
        out: folder; `out/model` becomes the TrainedModel.
        run: where and on what; None takes the CPU.

    Returns:
        The model as loaded from the disk.

    Raises:
        MedresError: what reading, preparing, training or saving refuses, by its code.
    """
    run = run or Run()
    _check_out(out, run.resume)
    began = time.time()
    training, validation = _prepare(experiment, source, run)
    check_classes(experiment, training, "training")
    place = Place(out / RUN, run.device, run.resume, run.tensorboard, run.watchers)
    start = _start(experiment, source.weights, run)
    fitted = fit_network(experiment, training, validation, place, start)
    data = Data(training, validation, load_site_key())
    facts = _provenance(experiment, source, run, training, validation) | {"seconds": round(time.time() - began, 1)}
    return finish(experiment, fitted, data, out / MODEL, facts)


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
    for rows in parts:

        def advance(done: int, _: int, before: int = before) -> None:
            if run.on_prepare is not None:
                run.on_prepare(before + done, total)

        spec, labels = experiment.preprocessing, experiment.labels
        found.append(prepare_scans(source.manifest, rows, spec, labels, cache=source.cache, on_progress=advance))
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
        "scans": counts,
        "versions": _versions(),
        "hardware": {"device": run.device, "machine": platform.machine(), "cpus": os.cpu_count()},
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def digest_parts(split: Split) -> str:
    """Digest who stands in which part of a split.

    Args:
        split: any.

    Returns:
        SHA-256 (hex).
    """
    return hashlib.sha256(json.dumps(dict(split.parts), sort_keys=True).encode()).hexdigest()


def _versions() -> dict[str, str]:
    return {
        "medres": medres.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "lightning": lightning.__version__,
    }
