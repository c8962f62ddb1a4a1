"""A published table with path, fold and baseline scores -> the same folds as a split, the scores as predictions.

So that `medres train --folds` runs on a baseline's folds, and `medres compare` sets both side by side.

Usage:
    python -m benchmarks.folds split M.csv BASELINE.csv FOLDS.json
    python -m benchmarks.folds scores M.csv BASELINE.csv OUT.csv --column forest --positive malignant
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split
from medres.datasets.split_file import read_split, write_split
from medres.training.dataset import read_volume
from pipelines.scored import ScoredRow, ScoredTable, predictions_csv


def split_like(manifest: Path, baseline: Path, out: Path) -> None:
    """Write the folds of a baseline's table as a split of the manifest."""
    scans = read_manifest(manifest)
    parts: dict[str, list[str]] = {}
    for row in csv.DictReader(baseline.open()):
        parts.setdefault(f"fold_{row['fold']}", []).append(row["path"])
    keys = {name: tuple(parts[name]) for name in sorted(parts)}
    write_split(Split(keys, scans.digest, None, "the folds of a baseline", "folds", ("patient_id",)), out)
    read_split(out, scans)


def write_scores(manifest: Path, baseline: Path, out: Path, column: str, positive: str) -> None:
    """Write a column of a baseline's table as predictions, scans named as medres names them: by their content."""
    scans = read_manifest(manifest)
    said = {row["path"]: row for row in csv.DictReader(baseline.open())}
    rows = [
        ScoredRow(
            scan=read_volume(scans, row).origin.content_digest,
            patient=row.patient_id,
            label=row.label,
            score=float(said[row.key][column]),
            columns={"fold": said[row.key]["fold"]},
        )
        for row in scans.rows
        if row.key in said
    ]
    out.write_bytes(predictions_csv(ScoredTable(tuple(rows), positive), None, None))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("split", "scores"):
        command = commands.add_parser(name)
        for place in ("manifest", "baseline", "out"):
            command.add_argument(place, type=Path)
        if name == "scores":
            command.add_argument("--column", required=True)
            command.add_argument("--positive", required=True)
    asked = vars(parser.parse_args())
    (split_like if asked.pop("command") == "split" else write_scores)(**asked)


if __name__ == "__main__":
    main()
