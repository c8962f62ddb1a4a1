"""One experiment, one set of parts -> a TrainedModel with heatmaps and curves: what `train` and its folds share."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from medres.datasets.audit import check_split
from medres.datasets.kept_pairs import default_folder
from medres.datasets.leaks import describe_acceptance, refuse_leaks
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.errors import TrainingError
from medres.models.trained_model import DESCRIPTION, TrainedModel, load_trained_model
from medres.models.transfer import LoadingRecord
from medres.results.disclaimer import Stamp
from medres.results.plots import training_curves
from medres.results.writing import write_bytes
from medres.training.module import Watchers
from medres.training.spec import ExperimentSpec
from medres.training.train import MODEL, Run, Source, digest_parts, train
from pipelines import console
from pipelines.explanations import add_explanation

CURVES = "curves.png"


@dataclass(frozen=True)
class Task:
    """What is trained, on what.

    Attributes:
        experiment: how.
        scans: manifest.
        weights: file or folder to start from, or None.
        device: "cpu", "cuda" or "cuda:0".
        cache: folder for prepared tensors.
        audit: what the search for leaks found and what was accepted.
        devices: processes that train together.
        strategy: as Lightning names it.
    """

    experiment: ExperimentSpec
    scans: Manifest
    weights: Path | None
    cache: Path
    device: str = "cpu"
    audit: dict[str, str] = field(default_factory=dict)
    devices: int = 1
    strategy: str = "auto"


def find_finished(task: Task, parts: Split, out: Path) -> TrainedModel | None:
    """Load the model of a training that has ended, and say so; it is left as it is.

    Args:
        task: what it must have been trained on.
        parts: train, validation and, if any, test.
        out: folder of the run.

    Returns:
        The model; None where there is none yet, or its heatmaps are still to be tested.

    Raises:
        TrainingError: `E_TRAIN_OUT` for a model of another experiment, manifest or split.
    """
    if not (out / MODEL / DESCRIPTION).is_file():
        return None
    model = load_trained_model(out / MODEL)
    wanted = {
        "experiment_digest": task.experiment.digest,
        "manifest_digest": task.scans.digest,
        "split_digest": digest_parts(parts),
    }
    for name, digest in wanted.items():
        found = str(model.spec.provenance.get(name))
        if found != digest:
            told = f"a finished model must be of this {name.removesuffix('_digest')} ({digest[:12]}), got {found[:12]}"
            raise TrainingError("E_TRAIN_OUT", told, "choose another --out")
    if "explanation.json" not in model.spec.files:
        return None
    if not (out / CURVES).is_file():
        draw_curves(model, out)
    console.say(f"already trained: {model.folder}")
    return model


def train_once(task: Task, parts: Split, out: Path, *, resume: bool = False) -> TrainedModel | None:
    """Train, test the heatmaps, draw the curves, say what came out.

    Args:
        task: what.
        parts: train, validation and, if any, test.
        out: folder of the run.
        resume: go on after a kill.

    Returns:
        The model; None in a process that only helps another one.
    """
    source = Source(task.scans, parts, task.weights, cache=task.cache, audit=task.audit)
    with console.progress("train") as advance:
        prepare = partial(advance, note="scans prepared")
        run = Run(task.device, resume, True, watch(advance), prepare, say_loading, task.devices, task.strategy)
        with told_when_stopped():
            model = train(task.experiment, source, out, run)
    if model is None:
        return None
    with console.progress("heatmaps") as advance:
        model = add_explanation(model, task.scans, parts, task.experiment.labels, advance)
    draw_curves(model, out)
    say_model(model, out)
    return model


@contextlib.contextmanager
def told_when_stopped() -> Iterator[None]:
    """Say to a person who stops a training that nothing finished is lost."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        console.err.print("stopped: finished epochs are kept; go on with the same command and --resume", markup=False)
        raise


def draw_curves(model: TrainedModel, out: Path) -> None:
    """Draw how loss, AUROC, gradient and rate went, beside the model."""
    stamp = Stamp(model.spec.name, model.spec.version, date.today().isoformat())
    write_bytes(out / CURVES, training_curves(model.read_file("history.csv"), stamp), "the curves")


def say_model(model: TrainedModel, out: Path) -> None:
    """Say where model and curves are and what the training chose by."""
    facts = model.spec.provenance
    console.say(f"model     {model.folder}")
    console.say(f"curves    {out / CURVES}")
    console.say(
        f"validation AUROC {facts['validation_auroc']:.3f} at epoch {facts['best_epoch']} of {facts['epochs']} "
        f"(the part it was chosen on: no test result), {facts['precision']}, "
        f"{facts['training_seconds'] / 60:.1f} min"
    )


def refuse_leaking(scans: Manifest, parts: Split, accepted: list[str]) -> dict[str, str]:
    """Refuse parts that share patients, copies or near-copies, but for leaks accepted by name; say so for the card."""
    cores = os.cpu_count() or 1
    with console.progress("audit") as advance:
        leaks = check_split(
            scans,
            parts,
            workers=cores,
            kept=default_folder(),
            on_progress=lambda step, done, total: advance(done, total=total, note=step),
        )
    refuse_leaks(leaks, accepted)
    return describe_acceptance(leaks, accepted)


def watch(advance: Callable[..., None]) -> Watchers:
    """Show loss and the last validation AUROC beside the bar; without a terminal, one line for each epoch."""
    last = {"note": ""}

    def on_batch(step: int, steps: int, loss: float) -> None:
        advance(step, steps, note=f"loss {loss:.3f}{last['note']}")

    def on_epoch(row: dict[str, float]) -> None:
        area = say_area(row)
        last["note"] = f", epoch {row['epoch']:.0f}: validation AUROC {area}"
        if not console.err.is_terminal:
            console.err.print(
                f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.3f}, "
                f"validation loss {row['validation_loss']:.3f}, validation AUROC {area}, "
                f"{row['seconds']:.1f} s"
            )

    return Watchers(on_batch, on_epoch)


def say_area(row: dict[str, float]) -> str:
    """Say a validation AUROC with its interval, where it has one."""
    lower, upper = (row.get(f"validation_auroc_{end}", math.nan) for end in ("lower", "upper"))
    interval = "" if math.isnan(lower) or math.isnan(upper) else f" ({lower:.3f} to {upper:.3f})"
    return f"{row['validation_auroc']:.3f}{interval}"


def say_loading(record: LoadingRecord) -> None:
    """Show what the starting weights gave."""
    rows = [[what, str(count), names] for what, count, names in record.rows()]
    title = f"starting weights ({record.layout} layout): {100 * record.coverage:.1f} % of the backbone"
    console.table(title, ["", "names", "which"], rows)
