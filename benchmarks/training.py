"""How fast medres trains -> a table beside the loop of MONAI's classification tutorials; the memory of the demo.

    python -m benchmarks.training [--quick] [--resume] [--out benchmarks/out] [--write docs/benchmarks.md]
    python -m benchmarks.training --config X.toml --manifest M.csv --split S.json     # on scans of one's own

Both loops learn from the same scans, with the same network begun from the same weights, the same batch, the same
augmentation in their own words and as many epochs; after each epoch of ours comes one of the peer's, so that a busy
machine hurts both. Ours is `medres.training.train.train`, whole. The first epoch of both warms up and is not counted.
Each part is kept in --out as it is measured; with --resume those that are there are not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.page import write_section
from benchmarks.training_clock import Used, peak_memory, used
from benchmarks.training_data import make_cohort
from benchmarks.training_peer import Rival
from medres.datasets.files import write_atomically
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split, write_split
from medres.evaluation.discrimination import auroc
from medres.training.module import Watchers
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import parse_experiment, read_experiment
from medres.training.train import Run, Source, train
from pipelines.phantoms.cohort import write_pictures, write_volumes

ROOT = Path(__file__).resolve().parents[1]
MEMORY = "memory"  # of the parts, the one that is no case
WORKERS = 2  # of the peer's loaders, as in the tutorial for volumes
TITLES = {2: "2D ResNet-18, 224 px", 3: "3D ResNet-18, 64³"}
COHORTS = {2: (96, 48), 3: (64, 48)}  # patients of training and of validation
QUICK = {2: (32, 16), 3: (16, 16)}
SHOWN = {2: "size = [224, 224]\nintensity = { kind = 'window', lower = 0, upper = 255 }"}
SHOWN[3] = "size = [64, 64, 64]\nintensity = { kind = 'window', lower = -110, upper = 190 }"
CONFIG = """
name = "benchmark"
synthetic = true
[labels]
positive = "lesion"
groups = {{ healthy = ["healthy"], lesion = ["lesion"] }}
[network]
name = "resnet18"
[preprocessing]
spatial_dims = {dims}
modality = "CT"
{shown}
[training]
epochs = {epochs}
batch_size = {batch}
learning_rate = 1e-3
balance = "none"
[augmentation]
flips = {flips}
rotation_degrees = {angles}
scale = 0.1
stretch = 0.05
shear = 0.05
shift = 0.05
elastic = 0.03
gamma = 0.2
contrast = 0.2
brightness = 0.1
noise = 0.05
blur = 1.0
sharpen = 1.0
low_resolution = 2.0
cutout = 0.2
"""

NOTES = """Each loop in a process of its own, epoch by epoch in turn, the first one not counted: the same scans,
network, starting weights, batch, epochs, learning rate and augmentation (in 3D the peer's elastic transform alone takes
about as long as the network). The peer is the loop of MONAI's classification tutorials: CacheDataset, dictionary
transforms, DataLoader with {workers} workers, fp32, Adam. *Waiting*: share of the training passes in which the network
waits for a batch to be fetched and varied. *CPU*: of all threads and workers. *Network alone*: a forward and backward
pass, fp32 over bf16, both channels-last, as medres measures it before it chooses. AUROC of the best epoch."""


@dataclass(frozen=True)
class Case:
    """What both loops learn from, and how."""

    title: str
    experiment: ExperimentSpec
    manifest: Manifest
    split: Split


class Turns:
    """After each epoch of ours comes one of the peer's; the clock of ours stands still meanwhile."""

    def __init__(self, peer: Rival, title: str) -> None:
        self.peer, self.title = peer, title
        self.epochs: list[Used] = []
        self.rows: list[dict[str, float]] = []
        self.at_peer = 0.0
        self._start = self._last = used()

    def on_batch(self, step: int, steps: int, loss: float) -> None:
        """Note when the last batch of an epoch was done."""
        self._last = used()

    def on_epoch(self, row: dict[str, float]) -> None:
        """Note our epoch, then let the peer do one."""
        self.rows.append(row)
        spent = self._last.since(self._start)
        self.epochs.append(Used(row["training_seconds"], spent.cpu, row["training_seconds"] * row["waiting_share"]))
        began = used()
        self.peer.run_epoch()
        self.at_peer += used().since(began).seconds
        theirs = f"peer {self.peer.epochs[-1].seconds:.1f} s, AUROC {self.peer.aurocs[-1]:.3f}"
        ours = f"ours {self.epochs[-1].seconds:.1f} s, AUROC {row['validation_auroc']:.3f}"
        print(f"{self.title}, epoch {len(self.rows)}: {ours}; {theirs}", flush=True)
        self._start = used()


def run_case(case: Case, out: Path, workers: int) -> dict[str, Any]:
    """Train both, turn by turn."""
    out.mkdir(parents=True, exist_ok=True)
    peer = Rival(case.experiment, case.manifest, case.split, out, workers)
    turns, began = Turns(peer, case.title), used()
    watchers = Watchers(turns.on_batch, turns.on_epoch)
    model = train(case.experiment, Source(case.manifest, case.split), out / "ours", Run(watchers=watchers))
    whole = used().since(began).seconds - turns.at_peer
    assert model is not None  # one process
    scans = len(case.split.parts["train"])
    best = max(turns.rows, key=lambda row: row["validation_auroc"])
    scores, labels = peer.finish()
    theirs = auroc(labels == peer.positive, scores)
    return {
        "title": case.title,
        "batch": case.experiment.training.batch_size,
        "epochs": case.experiment.training.epochs,
        "training": scans,
        "validation": theirs.n,
        "precision": str(model.spec.provenance["precision"]),
        "speedup": model.spec.provenance.get("bf16_speedup_measured"),
        "workers": workers,
        "ours": _facts(turns.epochs, scans, whole)
        | _area(best["validation_auroc"], best["validation_auroc_lower"], best["validation_auroc_upper"]),
        "peer": _facts(peer.epochs, scans, peer.reading + turns.at_peer)
        | _area(theirs.value, theirs.lower, theirs.upper),
    }


def _facts(epochs: list[Used], scans: int, whole: float) -> dict[str, Any]:
    """Sum epochs up, without the first one."""
    counted = epochs[1:] or epochs
    seconds = sum(one.seconds for one in counted)
    return {
        "rate": len(counted) * scans / seconds,
        "cpu": sum(one.cpu for one in counted) / (len(counted) * scans),
        "waiting": sum(one.waited for one in counted) / seconds,
        "whole": whole,
    }


def _area(value: float | None, lower: float | None, upper: float | None) -> dict[str, Any]:
    return {"auroc": value, "lower": lower, "upper": upper}


def make_case(folder: Path, dims: int, quick: bool) -> Case:
    """Make the synthetic cohort and its experiment."""
    training, validation = (QUICK if quick else COHORTS)[dims]
    manifest, split = make_cohort(folder, dims, training, validation)
    text = CONFIG.format(
        dims=dims,
        shown=SHOWN[dims],
        epochs=3 if quick else 5,
        batch=8,
        flips=["i", "j"] if dims == 2 else ["i", "j", "k"],
        angles=[15.0] if dims == 2 else [15.0, 15.0, 15.0],
    )
    return Case(TITLES[dims], parse_experiment(text), manifest, split)


def demo_memory(folder: Path, patients: int) -> dict[str, float]:
    """Measure the peak memory of both trainings of `medres demo`, GB, as a user starts them."""
    found = {}
    for name, write in (("ct", write_volumes), ("picture", write_pictures)):
        place = folder / name
        manifest = read_manifest(write(place, patients, 0, lambda *_: None))
        keys = [row.key for row in manifest.rows]
        cut, end = round(0.6 * patients), round(0.8 * patients)
        parts = {"train": tuple(keys[:cut]), "validation": tuple(keys[cut:end]), "test": tuple(keys[end:])}
        write_split(Split(parts, manifest.digest, 0, "in order"), place / "split.json")
        config = ROOT / "pipelines" / "configs" / f"demo_{name}.toml"
        words = [sys.executable, "-m", "pipelines.cli", "train", config, "--manifest", place / "manifest.csv"]
        words += ["--split", place / "split.json", "--out", place / "run"]
        found[name] = peak_memory([str(word) for word in words], ROOT) / 1e9
        print(f"memory of the demo's training, {name}: {found[name]:.2f} GB", flush=True)
    return found


def table(found: dict[str, Any]) -> str:
    """Lay the figures out in Markdown."""
    cases = [part for name, part in found.items() if name != MEMORY]
    lines = [
        "## Training",
        "",
        f"`python -m benchmarks.training`: {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} "
        f"threads, torch {torch.__version__.split('+')[0]}, load {max(part['load'] for part in cases):.1f}.",
        NOTES.format(workers=cases[0]["workers"]),
        "",
        "| | | medres | MONAI's loop | ratio |",
        "|---|---|---|---|---|",
    ]
    for case in cases:
        lines += _lines(case)
    if MEMORY in found:
        said = " and ".join(f"{found[MEMORY][name]:.2f} GB ({name})" for name in ("ct", "picture"))
        lines += ["", f"Peak memory of `medres demo`'s trainings, with all their processes: {said}."]
    return "\n".join(lines)


def _lines(case: dict[str, Any]) -> list[str]:
    ours, peer = case["ours"], case["peer"]
    told = f"{case['title']}, batch {case['batch']}, {case['precision']}"
    ratio = ours["rate"] / peer["rate"]
    return [
        f"| {told} | scans a second | {ours['rate']:.1f} | {peer['rate']:.1f} | {ratio:.2f} |",
        f"| | CPU ms a scan | {1000 * ours['cpu']:.0f} | {1000 * peer['cpu']:.0f} | {peer['cpu'] / ours['cpu']:.2f} |",
        f"| | network alone | | | {_speedup(case['speedup'])} |",
        f"| | waiting | {ours['waiting']:.1%} | {peer['waiting']:.1%} | |",
        f"| | all of it, {case['epochs']} epochs of {case['training']} scans, s | {ours['whole']:.0f} "
        f"| {peer['whole']:.0f} | {peer['whole'] / ours['whole']:.2f} |",
        f"| | validation AUROC, n = {case['validation']} | {_cell(ours)} | {_cell(peer)} | |",
    ]


def _speedup(measured: float | None) -> str:
    return "no bf16 here" if measured is None else f"{measured:.2f}"


def _cell(one: dict[str, Any]) -> str:
    known = one["lower"] is not None and one["lower"] == one["lower"]  # NaN where all are told apart
    return f"{one['auroc']:.3f} " + (f"({one['lower']:.3f} to {one['upper']:.3f})" if known else "(all told apart)")


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    parser.add_argument("--write", type=Path, help="Markdown page whose section Training is replaced")
    parser.add_argument("--quick", action="store_true", help="fewer scans and epochs: does it run?")
    parser.add_argument("--resume", action="store_true", help="keep the parts that --out holds from a run that was cut")
    parser.add_argument("--dims", type=int, nargs="*", default=[2, 3], choices=(2, 3))
    parser.add_argument("--workers", type=int, default=WORKERS, help="of the peer's loaders")
    parser.add_argument("--no-memory", action="store_true", help="leave the demo's memory out")
    parser.add_argument("--config", type=Path, help="an experiment of one's own, instead of phantoms")
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--split", type=Path)
    run(parser.parse_args())


def run(given: argparse.Namespace) -> None:
    """Measure part by part, keep each figure as it comes, show and perhaps publish the table."""
    kept = given.out / ("training_quick.json" if given.quick else "training.json")
    found: dict[str, Any] = json.loads(kept.read_text()) if given.resume and kept.exists() else {}
    with tempfile.TemporaryDirectory() as place:
        for name, measure in _parts(given, Path(place)).items():
            if name not in found:
                load = os.getloadavg()[0]
                found[name] = measure() | {"load": load}
                write_atomically(kept, json.dumps(found, indent=2))
    print(table(found))
    if given.write:
        write_section(given.write, "training", table(found))


def _parts(given: argparse.Namespace, folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """Name what is to be measured, each part with its way."""
    if given.config:
        manifest = read_manifest(given.manifest)
        case = Case(given.config.stem, read_experiment(given.config), manifest, read_split(given.split, manifest))
        return {case.title: lambda: run_case(case, folder, given.workers)}

    def measure(dims: int) -> dict[str, Any]:
        return run_case(make_case(folder / f"scans{dims}", dims, given.quick), folder / f"run{dims}", given.workers)

    parts = {TITLES[dims]: partial(measure, dims) for dims in given.dims}
    memory = partial(demo_memory, folder / "demo", 60 if given.quick else 240)
    return parts if given.no_memory else {**parts, MEMORY: memory}


if __name__ == "__main__":
    main()
