"""`medres train --find-rate`: sweep the learning rate on the training part, draw it, say which to take."""

from __future__ import annotations

from datetime import date
from pathlib import Path

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
from medres.training.dataset import prepare_scans
from medres.training.find_rate import find_rate
from medres.training.losses import class_weights
from medres.training.sampling import EpochBatches
from pipelines import console
from pipelines.training import Task

PICTURE, TABLE = "learning_rates.png", "learning_rates.csv"


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
            task.scans, rows, experiment.preprocessing, experiment.labels, cache=task.cache, on_progress=advance
        )
    spec = experiment.training
    labels, views = [scan.label for scan in scans], [scan.views for scan in scans]
    sampler = EpochBatches(labels, views, batch_size=spec.batch_size, seed=spec.seed)
    order = [places for epoch in range(64) for places in _epoch(sampler, epoch)]

    def batch(step: int) -> tuple[Tensor, Tensor]:
        places = order[step % len(order)]
        x = torch.stack([scans[scan].view(view) for scan, view in places])
        return x, torch.tensor([scans[scan].label for scan, _ in places])

    counts = np.bincount([scan.label for scan in scans], minlength=len(experiment.labels.names))
    weights = class_weights(tuple(map(int, counts)), spec.balance)
    found = find_rate(build_network(experiment.network_spec, spec.seed), batch, weights)
    stamp = Stamp(experiment.name, experiment.version, date.today().isoformat())
    write_bytes(out / PICTURE, learning_rate_sweep(found.rates, found.losses, found.chosen, stamp), "the curve")
    write_atomically(out / TABLE, write_csv(["learning_rate", "loss"], zip(found.rates, found.losses, strict=True)))
    console.say(f"learning_rate = {found.chosen:.1e}   (the experiment has {spec.learning_rate:g})")
    console.say(f"curve     {out / PICTURE}")
    return console.EXIT_OK


def _epoch(sampler: EpochBatches, epoch: int) -> list[list[tuple[int, int]]]:
    sampler.set_epoch(epoch)
    return list(sampler)
