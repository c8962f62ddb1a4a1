"""Experiment + manifest + split into folds -> one score for each scan from the model that never saw its patient.

Resumable: a fold whose model is there is not trained again. Every figure of the folds can be recomputed from the table.

Usage:
    python -m benchmarks.folds train CONFIG.toml --manifest M.csv --split FOLDS.json --out RUNS --table TABLE.csv
    python -m benchmarks.folds show TABLE.csv --positive malignant [--baseline OTHER.csv --columns volume,forest]
    python -m benchmarks.folds split M.csv BASELINE.csv FOLDS.json      (the folds of a table with path and fold)
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from medres.classifier.loading import load_classifier
from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split, write_split
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.comparison import compare_auroc
from medres.training.dataset import read_volume
from medres.training.toml_file import read_experiment
from pipelines import train

COLUMNS = ("patient_id", "path", "label", "fold", "score")


def train_folds(
    config: Path, manifest: Path, split: Path, out: Path, table: Path, only: list[int] | None, accept_leak: list[str]
) -> None:
    """Train each fold that is not there yet, then score its test scans."""
    experiment = read_experiment(config)
    scans = read_manifest(manifest, labels=experiment.labels.known)
    folds = read_split(split, scans)
    rows = []
    for number, name in enumerate(folds.fold_names):
        place = out / name
        if only and number not in only:
            continue
        if not (place / train.MODEL / "trained_model.json").exists():
            train.run(config, manifest, split, place, resume=True, fold=number, accept_leak=accept_leak)
        classifier = load_classifier(place / train.MODEL)
        for row in folds.rows(scans, name):
            found = classifier.predict({channel: read_volume(scans, row, channel) for channel in row.paths})
            score = "" if found.probability is None else f"{found.probability:.6f}"
            index = experiment.labels.index_of(row.label)
            if index is not None:
                rows.append([row.patient_id, row.key, experiment.labels.names[index], number, score])
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])


def show(table: Path, positive: str, baseline: Path | None, columns: list[str]) -> None:
    """Print pooled and per-fold AUROC with intervals by patient, and paired differences from baselines."""
    rows = list(csv.DictReader(table.open()))
    scored = [row for row in rows if row["score"]]
    truth = np.array([row["label"] == positive for row in scored]).astype(int)
    score = np.array([float(row["score"]) for row in scored])
    patients = np.array([row["patient_id"] for row in scored])
    folds = np.array([row["fold"] for row in scored])
    print(f"{len(scored)} of {len(rows)} scans have a score, {truth.sum()} {positive}, {len(set(patients))} patients")
    print("pooled  " + said(auroc_clustered(truth, score, patients)))
    for fold in sorted(set(folds)):
        chosen = folds == fold
        print(f"fold {fold}  " + said(auroc_clustered(truth[chosen], score[chosen], patients[chosen])))
    others = {row["path"]: row for row in csv.DictReader(baseline.open())} if baseline else {}
    for column in columns if others else []:
        other = np.array([float(others[row["path"]][column]) for row in scored])
        found = compare_auroc(truth, score, other, patients)
        print(
            f"minus {column}: {found.difference:+.3f} ({found.lower:+.3f} to {found.upper:+.3f}), p = {found.p:.3f}, "
            f"{column} alone {found.second:.3f}, {found.method}"
        )


def said(estimate: object) -> str:
    """Put an estimate in words."""
    return f"AUROC {estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f}), n {estimate.n}"


def split_like(manifest: Path, baseline: Path, out: Path) -> None:
    """Write the folds of a baseline's table as a split of the manifest."""
    scans = read_manifest(manifest)
    parts: dict[str, list[str]] = {}
    for row in csv.DictReader(baseline.open()):
        parts.setdefault(f"fold_{row['fold']}", []).append(row["path"])
    keys = {name: tuple(parts[name]) for name in sorted(parts)}
    write_split(Split(keys, scans.digest, None, "the folds of a baseline", "folds", ("patient_id",)), out)
    read_split(out, scans)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("train")
    fit.add_argument("config", type=Path)
    for name in ("--manifest", "--split", "--out", "--table"):
        fit.add_argument(name, type=Path, required=True)
    fit.add_argument("--only", type=int, nargs="*", help="numbers of folds")
    fit.add_argument("--accept-leak", action="append", default=[], help="as medres train takes it")
    look = commands.add_parser("show")
    look.add_argument("table", type=Path)
    look.add_argument("--positive", required=True)
    look.add_argument("--baseline", type=Path)
    look.add_argument("--columns", default="")
    like = commands.add_parser("split")
    for name in ("manifest", "baseline", "out"):
        like.add_argument(name, type=Path)
    asked = vars(parser.parse_args())
    command = asked.pop("command")
    if command == "train":
        train_folds(**asked)
    elif command == "show":
        show(asked["table"], asked["positive"], asked["baseline"], asked["columns"].split(","))
    else:
        split_like(**asked)


if __name__ == "__main__":
    main()
