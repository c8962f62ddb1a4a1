"""`medres split`: manifest -> split file, with the balance achieved."""

from __future__ import annotations

from pathlib import Path

from medres.datasets.manifest import Manifest, read_manifest
from medres.datasets.split import Split, build_split
from medres.datasets.split_file import split_from_column, write_split
from pipelines.console import say, table

SPLIT_COLUMN = "split"


def run(
    manifest: Path,
    out: Path,
    test: float = 0.2,
    validation: float = 0.2,
    folds: int = 0,
    inner_folds: int = 0,
    group: list[str] | None = None,
    labels_per: str = "scan",
    new: bool = False,
    seed: int = 0,
) -> None:
    """Make or import a split, write it, and say how well it is balanced."""
    read = read_manifest(manifest, need_patients=False, labels_per=labels_per)
    if SPLIT_COLUMN in read.columns and not new:
        split = split_from_column(read, SPLIT_COLUMN)
    else:
        split = build_split(
            read,
            test=test,
            validation=validation,
            folds=folds,
            inner_folds=inner_folds,
            group_columns=tuple(group or ()),
            seed=seed,
        )
    write_split(split, out)
    _show(read, split)


def _show(manifest: Manifest, split: Split) -> None:
    labels = manifest.label_names
    rows = []
    for part, held in split.balance.items():
        counts = [held["labels"].get(label, 0) for label in labels]
        cells = [f"{count} ({count / max(1, held['rows']):.0%})" for count in counts]
        rows.append([part, str(held["rows"]), str(held["patients"]), *cells])
    table("", ["part", "scans", "patients", *labels], rows)
    say(split.method)
    for note in split.notes:
        say(f"note: {note}")
