"""`medres train --find-rate`: sweep the learning rate on the training part, draw it, say which to take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medres.datasets.files import write_atomically
from medres.datasets.split import Split
from medres.models.registry import build_network
from medres.results.disclaimer import Stamp
from medres.results.evaluation_tables import write_csv
from medres.results.plots import learning_rate_sweep
from medres.results.writing import write_bytes
from medres.training.dataset import ScanDataset, prepare_scans
from medres.training.find_rate import STEPS, find_rate
from medres.training.fit import draw_batches
from medres.training.losses import class_weights
from medres.training.patch_batches import PatchBatches
from medres.training.prepared import PreparedScan
from medres.training.sampling import EpochBatches
from medres.training.spec import ExperimentSpec
from pipelines import console
from pipelines.training import Task

PICTURE, TABLE = "learning_rates.png", "learning_rates.csv"
MOST_EPOCHS = 64  # before batches come again


def sweep_rates(task: Task, parts: Split, out: Path) -> int:
    """Prepare the training part, sweep, draw, say.

    Args:
        task: what would be trained.
        parts: with a part named "train".
        out: folder for picture and table.

    Returns:
        Exit status.
    """
    experiment, rows = task.experiment, parts.rows(task.scans, "train")
    with console.progress("prepare") as advance:
        scans = prepare_scans(
            task.scans,
            rows,
            experiment.preprocessing,
            experiment.labels,
            cache=task.cache,
            on_progress=advance,
            supervision=experiment.training.supervision,
        )
    spec, dataset = experiment.training, ScanDataset(scans)
    sampler = _sampler(experiment, scans)
    order = list(islice((places for epoch in range(MOST_EPOCHS) for places in _epoch(sampler, epoch)), STEPS))

    def batch(step: int) -> tuple[Tensor, Tensor]:
        """Give a batch as training draws it."""
        tensors, labels, _ = zip(*(dataset[place] for place in order[step % len(order)]), strict=True)
        return torch.stack(tensors), torch.tensor(labels)

    counts = np.bincount([scan.label for scan in scans], minlength=len(experiment.labels.names))
    counts = getattr(sampler, "label_counts", counts)  # of patches, where these have their own labels
    weights = class_weights(tuple(map(int, counts)), spec.balance)
    found = find_rate(build_network(experiment.network_spec, spec.seed), batch, weights)
    stamp = Stamp(experiment.name, experiment.version, date.today().isoformat())
    write_bytes(out / PICTURE, learning_rate_sweep(found.rates, found.losses, found.chosen, stamp), "the curve")
    write_atomically(out / TABLE, write_csv(["learning_rate", "loss"], zip(found.rates, found.losses, strict=True)))
    console.say(f"learning_rate = {found.chosen:.1e}   (the experiment has {spec.learning_rate:g})")
    console.say(f"curve     {out / PICTURE}")
    return console.EXIT_OK


def _sampler(experiment: ExperimentSpec, scans: Sequence[PreparedScan]) -> EpochBatches | PatchBatches:
    """Draw one view of each scan, or with `training.instances` the patches that its first epochs learn from."""
    spec = experiment.training
    if spec.instances is not None:
        return draw_batches(experiment, scans)
    labels, views = [scan.label for scan in scans], [scan.views for scan in scans]
    return EpochBatches(labels, views, batch_size=spec.batch_size, seed=spec.seed)


def _epoch(sampler: EpochBatches | PatchBatches, epoch: int) -> list[Any]:
    sampler.set_epoch(epoch)
    return list(sampler)
