"""Manifest + split -> what size and brightness alone tell: a table of held-out scores beside those of a network.

Nothing is learnt but a logistic regression on the training and validation part of each piece, so that no choice is made
on what is reported. Volumes give the count of voxels above their ground (size), that of the slice which holds most of
them (area: true where slices lie at unknown distances) and mean, spread, upper quartile and upper decile of those
voxels; pictures give width, height, mean and standard deviation of all pixels. No mask is read.

Usage:
    python -m benchmarks.alone M.csv SPLIT.json --positive malignant --features size,brightness --out TABLE.csv
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.seeds import pieces, scan_name
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import ManifestRow
from medres.datasets.split import LEAK_GROUP
from medres.datasets.split_file import read_split
from medres.training.dataset import read_volume
from medres.volume import Volume

FEATURES = ("size", "area", "brightness")
UPPER = (75, 90)  # percentiles of a volume's voxels


def describe(volume: Volume, wanted: Sequence[str], picture: bool) -> list[float]:
    """Give size, area and brightness of a scan, as asked for."""
    voxels = np.asarray(volume.voxels, float)
    facts = _describe_picture(voxels) if picture else _describe_volume(voxels)
    return [value for name in FEATURES if name in wanted for value in facts[name]]


def _describe_picture(pixels: NDArray[np.float64]) -> dict[str, list[float]]:
    return {
        "size": list(map(float, pixels.shape[:2])),
        "area": [],
        "brightness": [float(pixels.mean()), float(pixels.std())],
    }


def _describe_volume(voxels: NDArray[np.float64]) -> dict[str, list[float]]:
    above = voxels > voxels.min()
    inside = voxels[above] if above.any() else np.zeros(1)
    return {
        "size": [float(np.log1p(above.sum()))],
        "area": [float(np.log1p(above.sum((0, 1)).max()))],
        "brightness": [float(inside.mean()), float(inside.std()), *map(float, np.percentile(inside, UPPER))],
    }


def run(manifest: Path, split: Path, positive: str, features: str, out: Path) -> None:
    """Describe every scan, fit and score piece by piece, write the table."""
    wanted = features.split(",")
    if not set(wanted) <= set(FEATURES):
        raise SystemExit(f"--features must be among {', '.join(FEATURES)}, got {features}")
    scans = read_manifest(manifest)
    volumes = {row.key: read_volume(scans, row) for row in scans.rows}
    flat = all(volume.is_picture for volume in volumes.values())  # a volume of one slice is described as one
    if flat and wanted == ["area"]:
        raise SystemExit("--features area is of volumes, got pictures: use size,brightness")
    facts = {key: describe(volume, wanted, flat) for key, volume in volumes.items()}
    rows = []
    for name, parts in pieces(read_split(split, scans, allow_leaks=True), None):
        learnt = [*parts.rows(scans, "train"), *parts.rows(scans, "validation")]
        judged = parts.rows(scans, "test")
        score = fit(learnt, facts, positive)(np.array([facts[row.key] for row in judged]))
        rows += [[*about(row), name, f"{value:.6f}"] for row, value in zip(judged, score, strict=True)]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["patient_id", "scan", "label", "fold", "score"])
        table.writerows(rows if len(scans.label_names) == 2 else [relabel(row, positive) for row in rows])


def fit(
    rows: Sequence[ManifestRow], facts: dict[str, list[float]], positive: str
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Fit the regression, and give the function from facts to the probability of the positive label."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(np.array([facts[row.key] for row in rows]), [row.label == positive for row in rows])

    def predict(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(model.predict_proba(values)[:, 1])

    return predict


def about(row: ManifestRow) -> list[str]:
    """Name patient (or widened group), scan and label."""
    return [row.value(LEAK_GROUP) or row.patient_id, scan_name(row.key), row.label]


def relabel(row: list[str], positive: str) -> list[str]:
    """Make two classes of the labels."""
    return [*row[:2], positive if row[2] == positive else f"not {positive}", *row[3:]]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("split", type=Path)
    parser.add_argument("--positive", required=True)
    parser.add_argument("--features", default=",".join(FEATURES))
    parser.add_argument("--out", type=Path, required=True)
    run(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
