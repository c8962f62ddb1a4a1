"""Experiment + manifest + split + seeds -> tables of held-out scores, one for each seed and one of their mean.

For a split into parts the test part is scored; for a split into folds, each fold by the model that never saw it.
Resumable: what is trained is not trained again. No mask is read.

Usage:
    python -m benchmarks.seeds split M.csv SPLIT.json                 (its split column, less training copies of others)
    python -m benchmarks.seeds train CONFIG.toml --manifest M.csv --split SPLIT.json --out RUNS --table TABLE.csv
    python -m benchmarks.seeds show TABLE.csv --positive NAME [--beside OTHER.csv --column score]
    python -m benchmarks.seeds blend OUT.csv FIRST.csv SECOND.csv[:column]       (mean of scores, rows as in FIRST)
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.scans import read_scans
from medres.datasets.split import LEAK_GROUP, Split
from medres.datasets.split_file import read_split, split_from_column, write_split
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.comparison import compare_auroc
from medres.models.probability import scan_probabilities
from medres.models.registry import build_network
from medres.models.trained_model import DESCRIPTION, TrainedModel, load_trained_model
from medres.training.dataset import prepare_scans
from medres.training.module import Watchers
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import read_experiment
from medres.training.train import MODEL, Run, Source, train

TIMES = "times.csv"
BATCH = 32


def with_seed(experiment: ExperimentSpec, seed: int) -> ExperimentSpec:
    """Give an experiment another seed."""
    return experiment.model_copy(update={"training": experiment.training.model_copy(update={"seed": seed})})


def unshared(manifest: Manifest, split: Split) -> Split:
    """Take from the training part what stands, byte for byte as decoded, in another part too."""
    digests = {row.key: scan.digest for row, scan in zip(manifest.rows, read_scans(manifest, workers=1), strict=True)}
    judged = {digests[key] for part, keys in split.parts.items() if part != "train" for key in keys}
    kept = tuple(key for key in split.parts["train"] if digests[key] not in judged)
    told = f"{split.method}, less {len(split.parts['train']) - len(kept)} training copies of scans of other parts"
    return replace(split, parts={**split.parts, "train": kept}, method=told)


def pieces(split: Split, only: Sequence[int] | None) -> list[tuple[str, Split]]:
    """List what is trained: the folds by name, or the one split into parts."""
    if split.kind == "parts":
        return [("", split)]
    return [(n, split.fold(k)) for k, n in enumerate(split.fold_names) if not only or k in only]


def fit(
    experiment: ExperimentSpec, manifest: Manifest, parts: Split, place: Path, weights: Path | None
) -> TrainedModel:
    """Train one model, or take the one that is there; times go to a table beside it."""
    if (place / MODEL / DESCRIPTION).exists():
        return load_trained_model(place / MODEL)
    start, clock = time.process_time(), time.time()
    say = Watchers(on_epoch=lambda row: print(place.name, {k: round(v, 4) for k, v in row.items()}, flush=True))
    source = Source(manifest, parts, weights, cache=place.parent / "cache")
    model = train(experiment, source, place, Run(resume=True, tensorboard=False, watchers=say))
    with (place.parent / TIMES).open("a", newline="") as stream:
        row = [place.name, f"{time.process_time() - start:.0f}", f"{time.time() - clock:.0f}"]
        csv.writer(stream, lineterminator="\n").writerow(row)
    return model


def score(model: TrainedModel, experiment: ExperimentSpec, manifest: Manifest, parts: Split, cache: Path) -> list[list]:
    """Score a model's test part: patient (or the group an audit widened), scan, label, a probability for each label."""
    spec = model.spec
    network = build_network(spec.network)
    network.load_state_dict(model.state_dict)
    network.eval()
    scans = prepare_scans(manifest, parts.rows(manifest, "test"), spec.preprocessing, experiment.labels, cache=cache)
    rows = []
    with torch.no_grad():
        for scan in scans:
            logits = torch.cat([network(part) for part in scan.tensor.split(BATCH)])  # (V, L)
            found = scan_probabilities(logits.numpy(), spec)
            group = manifest.by_key[scan.key].value(LEAK_GROUP) or scan.patient_id
            rows.append([group, scan_name(scan.key), spec.label_names[scan.label], *map(float, found)])
    return rows


def scan_name(key: str) -> str:
    """Name a scan without the folders that lead to its data set from elsewhere.

    Example:
        >>> scan_name("../data/set/images/benign/001.png"), scan_name("volumes/1.nii.gz")
        ('images/benign/001.png', 'volumes/1.nii.gz')
    """
    parts = key.split("/")
    return "/".join(parts[-3:]) if ".." in parts else key


def train_all(
    config: Path,
    manifest: Path,
    split: Path,
    out: Path,
    table: Path,
    seeds: list[int],
    only: list[int] | None,
    weights: str | None,
) -> None:
    """Train every seed of every piece, then write the tables."""
    experiment = read_experiment(config)
    scans = read_manifest(manifest, labels=experiment.labels.known)
    parts = read_split(split, scans, allow_leaks=True)
    by_seed = {}
    for seed in seeds:
        by_seed[seed] = []
        for name, piece in pieces(parts, only):
            place = out / name / f"seed_{seed}"
            start = Path(weights.format(fold=name)) if weights else None
            model = fit(with_seed(experiment, seed), scans, piece, place, start)
            found = score(model, experiment, scans, piece, place.parent / "cache")
            by_seed[seed] += [[*row[:3], name, *row[3:]] for row in found]
        write_table(table.with_name(f"{table.stem}_seed{seed}.csv"), by_seed[seed], experiment)
    mean = [
        [*rows[0][:4], *np.mean([row[4:] for row in rows], axis=0)]
        for rows in zip(*(by_seed[seed] for seed in seeds), strict=True)
    ]
    write_table(table, mean, experiment)


def write_table(path: Path, rows: Sequence[Sequence], experiment: ExperimentSpec) -> None:
    """Write scores as `medres evaluate --predictions` reads them."""
    names = experiment.labels.names
    two = len(names) == 2
    columns = ["score"] if two else [f"probability_{name}" for name in names]
    chosen = [names.index(experiment.labels.positive)] if two else list(range(len(names)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["patient_id", "scan", "label", "fold", *columns])
        table.writerows([*row[:4], *(f"{row[4 + index]:.6f}" for index in chosen)] for row in rows)


def show(table: Path, positive: str, beside: Path | None, column: str) -> None:
    """Print AUROC of the mean and of each seed with intervals by patient, and the paired difference from a baseline."""
    for path in (table, *sorted(table.parent.glob(f"{table.stem}_seed*.csv"))):
        rows = list(csv.DictReader(path.open()))
        name = "score" if "score" in rows[0] else f"probability_{positive}"
        truth = np.array([row["label"] == positive for row in rows]).astype(int)
        scores = np.array([float(row[name]) for row in rows])
        patients = np.array([row["patient_id"] for row in rows])
        print(f"{path.stem}: {said(auroc_clustered(truth, scores, patients))}")
        for fold in sorted({row["fold"] for row in rows} - {""}):
            chosen = np.array([row["fold"] == fold for row in rows])
            print(f"  {fold}: {said(auroc_clustered(truth[chosen], scores[chosen], patients[chosen]))}")
        if beside is not None:
            others = {row.get("scan") or row["path"]: row for row in csv.DictReader(beside.open())}
            other = np.array([float(others[row["scan"]][column]) for row in rows])
            found = compare_auroc(truth, scores, other, patients)
            print(
                f"  minus {column} ({found.second:.3f}): {found.difference:+.3f} "
                f"({found.lower:+.3f} to {found.upper:+.3f}), p = {found.p:.3f}, {found.method}"
            )


def read_column(place: str) -> dict[str, float]:
    """Read one column of a table, `TABLE.csv` or `TABLE.csv:column`, by scan."""
    path, _, column = place.partition(":")
    return {row.get("scan") or row["path"]: float(row[column or "score"]) for row in csv.DictReader(Path(path).open())}


def blend(out: Path, tables: list[str]) -> None:
    """Write the plain mean of several tables' scores; nothing is fitted."""
    with Path(tables[0].partition(":")[0]).open() as stream:
        rows = list(csv.DictReader(stream))
    found = [read_column(place) for place in tables]
    with out.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["patient_id", "scan", "label", "fold", "score"])
        for row in rows:
            mean = np.mean([scores[row["scan"]] for scores in found])
            table.writerow([row["patient_id"], row["scan"], row["label"], row["fold"], f"{mean:.6f}"])


def said(estimate: object) -> str:
    """Put an estimate in words."""
    about = f"n {estimate.n}, {estimate.n_positive} positive"
    return f"AUROC {estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f}), {about}"


def make_split(manifest: Path, out: Path) -> None:
    """Write the split column as a split file, less copies."""
    scans = read_manifest(manifest)
    split = unshared(scans, split_from_column(scans))
    write_split(split, out)
    print(json.dumps({name: len(keys) for name, keys in split.parts.items()}), split.method)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    take = commands.add_parser("split")
    for name in ("manifest", "out"):
        take.add_argument(name, type=Path)
    learn = commands.add_parser("train")
    learn.add_argument("config", type=Path)
    for name in ("--manifest", "--split", "--out", "--table"):
        learn.add_argument(name, type=Path, required=True)
    learn.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    learn.add_argument("--only", type=int, nargs="*", help="numbers of folds")
    learn.add_argument("--weights", help="TrainedModel or weights file to start from; {fold} becomes the fold's name")
    look = commands.add_parser("show")
    look.add_argument("table", type=Path)
    look.add_argument("--positive", required=True)
    look.add_argument("--beside", type=Path, help="table with path or scan, and a baseline's column")
    look.add_argument("--column", default="score")
    mix = commands.add_parser("blend")
    mix.add_argument("out", type=Path)
    mix.add_argument("tables", nargs="+", help="TABLE.csv or TABLE.csv:column")
    asked = vars(parser.parse_args())
    {"split": make_split, "train": train_all, "show": show, "blend": blend}[asked.pop("command")](**asked)


if __name__ == "__main__":
    main()
