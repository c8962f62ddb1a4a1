"""Brain MRI's published split -> how much its twins of test pictures in training flatter a model.

The manifest names near-duplicate groups as patients; the published split tears them apart. One model is trained on the
published training part (a tenth of its groups is held out to choose the epoch). Its accuracy on test pictures whose
group it has learnt from stands beside that on the others, and beside the accuracy on the very same pictures of models
that never saw their groups (out of fold).

Usage:
    python -m benchmarks.leak split M.csv M_PUBLISHED.csv SPLIT.json
    python -m benchmarks.leak show PUBLISHED_TABLE.csv OUT_OF_FOLD_TABLE.csv M.csv SPLIT.json
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split, describe_part
from medres.datasets.split_file import read_split, write_split

HELD_OUT = 10  # one group of this many chooses the epoch
RESAMPLES = 2000
PREFIX = "probability_"


def make_split(manifest: Path, published: Path, out: Path) -> None:
    """Write the published split with a validation part of whole groups taken from its training part."""
    scans = read_manifest(manifest)
    given = {row["path"]: row["split"] for row in csv.DictReader(published.open())}
    learnt = sorted({row.patient_id for row in scans.rows if given[row.key].startswith("train")})
    held_out = set(np.random.default_rng(0).permutation(learnt)[: len(learnt) // HELD_OUT])
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for row in scans.rows:
        part = "test" if given[row.key] == "test" else "validation" if row.patient_id in held_out else "train"
        parts[part].append(row.key)
    keys = {name: tuple(members) for name, members in parts.items()}
    balance = {name: describe_part([scans.by_key[key] for key in members]) for name, members in keys.items()}
    method = "as published (it leaks); a tenth of the training groups is the validation part"
    write_split(Split(keys, scans.digest, 0, method, "parts", (), balance), out)
    print({name: len(members) for name, members in keys.items()})


def read_right(table: Path) -> dict[str, bool]:
    """Read of each scan whether the class of the highest probability is the right one."""
    found = {}
    for row in csv.DictReader(table.open()):
        classes = {name.removeprefix(PREFIX): float(p) for name, p in row.items() if name.startswith(PREFIX)}
        found[row["scan"]] = max(classes, key=lambda name: classes[name]) == row["label"]
    return found


def interval(values: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Resample whole groups: 95 % of the weighted sum of means, `weights` +1 and -1 for the two sides."""
    names, places = np.unique(groups, return_inverse=True)
    random, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        drawn = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[places]
        sides = [np.average(values[weights == s], weights=drawn[weights == s]) for s in np.unique(weights)]
        found.append(sides[0] if len(sides) == 1 else sides[1] - sides[0])
    lower, upper = np.percentile(found, [2.5, 97.5])
    return float(lower), float(upper)


def show(published: Path, out_of_fold: Path, manifest: Path, split: Path) -> None:
    """Print accuracies with and without a twin in training, of both ways of training."""
    scans = read_manifest(manifest)
    parts = read_split(split, scans, allow_leaks=True)
    learnt = {scans.by_key[key].patient_id for key in parts.parts["train"]}
    ways = {"published split": read_right(published), "out of fold, same pictures": read_right(out_of_fold)}
    keys = [key for key in parts.parts["test"] if all(key in right for right in ways.values())]
    groups = np.array([scans.by_key[key].patient_id for key in keys])
    twin = np.array([group in learnt for group in groups])
    print(f"{len(keys)} test pictures, {twin.sum()} with a twin in training")
    for name, right in ways.items():
        values = np.array([right[key] for key in keys], float)
        for told, chosen in (("all", twin | ~twin), ("with a twin", twin), ("without", ~twin)):
            low, high = interval(values[chosen], groups[chosen], np.ones(chosen.sum()))
            print(f"{name}, {told}: {values[chosen].mean():.3f} ({low:.3f} to {high:.3f}), n {chosen.sum()}")
        low, high = interval(values, groups, np.where(twin, 1.0, -1.0))
        gap = values[twin].mean() - values[~twin].mean()
        print(f"{name}, with minus without: {gap:+.3f} ({low:+.3f} to {high:+.3f})")
    values = np.array([float(ways["published split"][key]) - ways["out of fold, same pictures"][key] for key in keys])
    for told, chosen in (("all", twin | ~twin), ("with a twin", twin), ("without", ~twin)):
        low, high = interval(values[chosen], groups[chosen], np.ones(chosen.sum()))
        print(f"published minus out of fold, {told}: {values[chosen].mean():+.3f} ({low:+.3f} to {high:+.3f})")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("split")
    for name in ("manifest", "published", "out"):
        make.add_argument(name, type=Path)
    look = commands.add_parser("show")
    for name in ("published", "out_of_fold", "manifest", "split"):
        look.add_argument(name, type=Path)
    asked = vars(parser.parse_args())
    {"split": make_split, "show": show}[asked.pop("command")](**asked)


if __name__ == "__main__":
    main()
