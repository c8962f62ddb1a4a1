"""Target experiment + starting weights + shares of the labels -> does transfer help, with paired intervals by patient.

For each share of the training patients and each outer fold: from scratch, the head alone on frozen weights, and stages
released one after the other from the head down. The validation part that chooses the epoch shrinks with the share, as
its labels cost the same. Resumable: each run leaves its scores in RUNS and one row in the table; `--budget` starts no
further run once the table holds that many CPU minutes. The folds must be nested (medres split --folds 3
--inner-folds 4). FOLD in a source's path stands for the outer fold's number: weights that were pretrained on the
training patients of each fold alone (medres pretrain --fold).

Usage:
    python -m benchmarks.transfer run CONFIG.toml --manifest M.csv --split NESTED.json --source brain=MODEL_OR_WEIGHTS
        --out RUNS --table docs/results/transfer.csv [--budget 40] [--epochs 40 24 12]
    python -m benchmarks.transfer gather RUNS --target EXPERIMENT --out docs/results/transfer_breast.csv
    python -m benchmarks.transfer show docs/results/transfer_breast.csv
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.seeds import score
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split
from medres.evaluation.multiclass import MulticlassCases, average_auroc, check_multiclass
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import read_experiment
from medres.training.train import Run, Source, train

SHARES = (0.1, 0.25, 1.0)
SCRATCH, FROZEN, STAGED = "scratch", "frozen", "staged"
COLUMNS = ("target", "way", "share", "fold", "scans", "epochs", "macro_auroc", "cpu_seconds", "seconds")
SCORES = "scores.csv"
RESAMPLES = 1000
FEWEST = 2  # patients of each label that a part keeps, however small the share


@dataclass(frozen=True)
class Trial:
    """One run: a way of starting, a share of the labels, a fold.

    Attributes:
        way: "scratch", or the source's name with "-frozen" or "-staged".
        share: of the training patients.
        fold: outer, from 0.
        weights: where it starts from; None from scratch.
        epochs: of this share.
    """

    way: str
    share: float
    fold: int
    weights: Path | None
    epochs: int

    @property
    def place(self) -> str:
        """Its folder."""
        return f"{self.way}_{self.share:g}_fold{self.fold}"


def trials(sources: dict[str, Path], folds: int, epochs: Sequence[int]) -> Iterator[Trial]:
    """List the runs, small shares first."""
    for share, count in zip(SHARES, epochs, strict=True):
        for fold in range(folds):
            yield Trial(SCRATCH, share, fold, None, count)
            for name, weights in sources.items():
                start = Path(str(weights).replace("FOLD", str(fold)))
                for way in (FROZEN, STAGED):
                    yield Trial(f"{name}-{way}", share, fold, start, count)


def adapt(experiment: ExperimentSpec, trial: Trial) -> ExperimentSpec:
    """Set epochs and what a way of starting needs; nothing else differs from the experiment's file."""
    changes: dict[str, object] = {"epochs": trial.epochs}
    if trial.way.endswith(FROZEN):
        changes |= {"frozen_epochs": trial.epochs, "learning_rate": 5e-3}
    if trial.way.endswith(STAGED):
        first, pace = max(1, trial.epochs // 6), max(1, trial.epochs // 12)
        changes |= {"frozen_epochs": first, "unfreeze_every": pace, "layer_decay": 0.8}
    return experiment.model_copy(update={"training": experiment.training.model_copy(update=changes)})


def thin(manifest: Manifest, parts: Split, share: float, seed: int) -> Split:
    """Keep a share of the patients of training and validation part, stratified by label; nested over shares."""
    kept = dict(parts.parts)
    for part in ("train", "validation"):
        rows = parts.rows(manifest, part)
        by_label: dict[str, list[str]] = defaultdict(list)
        label_of = {row.patient_id: row.label for row in rows}
        for patient in sorted(label_of):
            by_label[label_of[patient]].append(patient)
        chosen: set[str] = set()
        for label in sorted(by_label):
            order = np.random.default_rng(seed).permutation(by_label[label])
            chosen |= set(order[: max(FEWEST, round(share * len(order)))])
        kept[part] = tuple(row.key for row in rows if row.patient_id in chosen)
    return replace(parts, parts=kept, method=f"{parts.method}; {share:.0%} of its training patients")


def run_trial(
    experiment: ExperimentSpec, manifest: Manifest, folds: Split, trial: Trial, out: Path, cache: Path
) -> tuple[Sequence[str], list[list]]:
    """Train and score one trial; its scores and its row for the table."""
    start, clock = time.process_time(), time.time()
    parts = thin(manifest, folds.fold(trial.fold), trial.share, trial.fold)
    fitted = adapt(experiment, trial)
    model = train(
        fitted, Source(manifest, parts, trial.weights, cache), out / trial.place, Run(resume=True, tensorboard=False)
    )
    rows = score(model, fitted, manifest, parts, cache)
    names = experiment.labels.names
    with (out / trial.place / SCORES).open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["patient_id", "scan", "label", "fold", *names])
        table.writerows([*row[:3], trial.fold, *(f"{value:.4f}" for value in row[3:])] for row in rows)
    area = average_auroc(check_multiclass([row[2] for row in rows], [row[3:] for row in rows], names))["macro_auroc"]
    about = [trial.way, f"{trial.share:g}", str(trial.fold), str(len(parts.parts["train"])), str(trial.epochs)]
    spent = [f"{time.process_time() - start:.0f}", f"{time.time() - clock:.0f}"]
    return [*about, f"{area:.4f}", *spent], rows


def run(
    config: Path,
    manifest: Path,
    split: Path,
    source: list[str],
    out: Path,
    table: Path,
    budget: float,
    epochs: list[int],
) -> None:
    """Run what is not there yet, within the budget."""
    experiment = read_experiment(config)
    target = experiment.name
    scans = read_manifest(manifest, labels=experiment.labels.known)
    folds = read_split(split, scans)
    sources = {name: Path(path) for name, path in (one.split("=", 1) for one in source)}
    for trial in trials(sources, len(folds.fold_names), epochs):
        if (out / target / trial.place / SCORES).exists():
            continue
        if spent_minutes(table, target) > budget:
            print(f"the budget of {budget:g} CPU minutes is spent; run again with a larger one to go on")
            return
        row, _ = run_trial(experiment, scans, folds, trial, out / target, out / target / "cache")
        append(table, [target, *row])
        print(target, *row, flush=True)


def spent_minutes(table: Path, target: str) -> float:
    """Sum the CPU minutes that a target's rows of the table took."""
    if not table.exists():
        return 0.0
    return sum(float(row["cpu_seconds"]) for row in csv.DictReader(table.open()) if row["target"] == target) / 60


def append(table: Path, row: Sequence[str]) -> None:
    """Add one row to the table, with a header if it is new."""
    table.parent.mkdir(parents=True, exist_ok=True)
    new = not table.exists()
    with table.open("a", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, row] if new else [row])


def gather(runs: Path, target: str, out: Path) -> None:
    """Put the held-out scores of all ways and shares side by side: one row for each scan, one column for each score."""
    scans: dict[str, dict[str, str]] = {}
    columns: dict[str, None] = {}
    for path in sorted((runs / target).glob(f"*/{SCORES}")):
        way = path.parent.name.rsplit("_fold", 1)[0]
        for row in csv.DictReader(path.open()):
            about = {name: row.pop(name) for name in ("patient_id", "scan", "label", "fold")}
            found = scans.setdefault(about["scan"], about)
            for name, value in row.items():
                columns[f"{way}:{name}"] = None
                found[f"{way}:{name}"] = value
    with out.open("w", newline="") as stream:
        table = csv.DictWriter(stream, ["patient_id", "scan", "label", "fold", *columns], lineterminator="\n")
        table.writeheader()
        table.writerows(scans[key] for key in sorted(scans))


def show(table: Path) -> None:
    """Print macro AUROC out of fold by way and share, and the paired difference from scratch, by patient."""
    rows = list(csv.DictReader(table.open()))
    columns = [name for name in rows[0] if ":" in name and all(row[name] for row in rows)]
    names = tuple(dict.fromkeys(name.split(":")[1] for name in columns))
    truth, patients = [row["label"] for row in rows], np.array([row["patient_id"] for row in rows])
    cases = {
        way: check_multiclass(truth, [[float(row[f"{way}:{name}"]) for name in names] for row in rows], names)
        for way in dict.fromkeys(name.split(":")[0] for name in columns)
    }
    folds = np.array([row["fold"] for row in rows])
    drawn = draw(patients, folds)
    print(f"{len(rows)} scans of {len(set(patients))} patients, classes {', '.join(names)}")
    print("share | way | macro AUROC out of fold (95 %) | minus scratch (95 %)")
    found = {way: areas(case, folds, drawn) for way, case in cases.items()}
    for way in sorted(found, key=lambda one: (float(one.rsplit("_", 1)[1]), one)):
        name, share = way.rsplit("_", 1)
        base = found.get(f"{SCRATCH}_{share}")
        paired = "" if base is None or name == SCRATCH else said(found[way] - base, "+.3f")
        print(f"{float(share):.0%} | {name} | {said(found[way], '.3f')} | {paired}")


def areas(cases: MulticlassCases, folds: np.ndarray, drawn: Sequence[np.ndarray]) -> np.ndarray:
    """Macro AUROC, mean over folds (scores of two folds' models are not on one scale), as drawn; the first is plain."""
    found = []
    for weights in (np.ones(folds.size, int), *drawn):
        each = [average_auroc(part(cases, folds == fold), weights[folds == fold]) for fold in np.unique(folds)]
        found.append(np.mean([one["macro_auroc"] for one in each]))
    return np.array(found)


def part(cases: MulticlassCases, chosen: np.ndarray) -> MulticlassCases:
    """Take some of the cases."""
    return MulticlassCases(cases.truth[chosen], cases.probabilities[chosen], cases.names)


def draw(patients: np.ndarray, folds: np.ndarray) -> list[np.ndarray]:
    """Draw whole patients with replacement, within folds: how often each scan counts, `RESAMPLES` times."""
    random, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        weights = np.zeros(len(patients), int)
        for fold in np.unique(folds):
            inside = folds == fold
            names, places = np.unique(patients[inside], return_inverse=True)
            weights[inside] = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[places]
        found.append(weights)
    return found


def said(values: np.ndarray, form: str) -> str:
    """Word a value and its percentile interval."""
    lower, upper = np.nanpercentile(values[1:], [2.5, 97.5])
    return f"{values[0]:{form}} ({lower:{form}} to {upper:{form}})"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("run")
    learn.add_argument("config", type=Path)
    for name in ("--manifest", "--split", "--out", "--table"):
        learn.add_argument(name, type=Path, required=True)
    learn.add_argument("--source", action="append", required=True, help="NAME=TrainedModel or weights file")
    learn.add_argument("--budget", type=float, default=60.0, help="CPU minutes for this target")
    learn.add_argument("--epochs", type=int, nargs=3, default=[40, 24, 12], help="at 10, 25 and 100 % of the labels")
    put = commands.add_parser("gather")
    put.add_argument("runs", type=Path)
    put.add_argument("--target", required=True, help="name of its experiment")
    put.add_argument("--out", type=Path, required=True)
    commands.add_parser("show").add_argument("table", type=Path)
    asked = vars(parser.parse_args())
    {"run": run, "gather": gather, "show": show}[asked.pop("command")](**asked)


if __name__ == "__main__":
    main()
