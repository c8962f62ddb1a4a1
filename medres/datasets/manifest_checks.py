"""Manifest -> nothing, or a fault that names its rows by number.

Opens no scan; looks only whether files are there.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.table import name_rows
from medres.errors import DatasetError


def check_duplicates(manifest: Manifest) -> None:
    """Refuse a scan that stands in two rows, however its path is written.

    Args:
        manifest: to check.

    Raises:
        DatasetError: `E_MANIFEST_DUPLICATE` with rows by number.
    """
    seen: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in manifest.rows:
        places = (f"{path}#{row.series_of(channel)}" for channel, path in row.paths.items())
        seen[tuple(places)].append(row.number)
    twice = [number for numbers in seen.values() if len(numbers) > 1 for number in numbers]
    if twice:
        raise DatasetError(
            "E_MANIFEST_DUPLICATE", f"each scan must stand in one row, got the same scan in {name_rows(twice)}"
        )


def check_labels(manifest: Manifest, names: Sequence[str] | None) -> None:
    """Refuse empty labels and, where names are given, labels that are not among them and names without a row.

    Args:
        manifest: to check.
        names: the labels that the configuration names; None allows any that is not empty.

    Raises:
        DatasetError: `E_MANIFEST_LABEL` with rows by number.
    """
    known = set(names) if names is not None else set(manifest.label_names) - {""}
    wrong = [row for row in manifest.rows if row.label not in known]
    if wrong:
        got = ", ".join(repr(label) for label in sorted({row.label for row in wrong})[:3])
        allowed = f"one of {', '.join(names)}" if names is not None else "not empty"
        raise DatasetError(
            "E_MANIFEST_LABEL", f"label must be {allowed}, got {got} in {name_rows(r.number for r in wrong)}"
        )
    absent = sorted(known - set(manifest.label_names))
    if absent:
        raise DatasetError(
            "E_MANIFEST_LABEL",
            f"every label must have rows, got 0 of {', '.join(absent)}",
            "add scans of this label or leave it out of the configuration",
        )


def check_patient_labels(manifest: Manifest) -> None:
    """Refuse a patient who has two labels.

    Args:
        manifest: to check.

    Raises:
        DatasetError: `E_PATIENT_LABELS` with rows by number.
    """
    rows: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in manifest.rows:
        rows[row.patient_id].append(row)
    mixed = [group for patient, group in rows.items() if patient and len({row.label for row in group}) > 1]
    if mixed:
        numbers = (row.number for group in mixed for row in group)
        raise DatasetError(
            "E_PATIENT_LABELS",
            f"a patient must have one label, got {len(mixed)} with two or more: {name_rows(numbers)}",
        )


def check_files_exist(manifest: Manifest) -> None:
    """Refuse rows whose scan, segmentation or lesion points are not there.

    Args:
        manifest: to check.

    Raises:
        DatasetError: `E_MANIFEST_FILE` with rows by number.
    """
    exists = _exists_in(manifest.folder)
    missing = [
        row.number
        for row in manifest.rows
        if not all(map(exists, [*row.paths.values(), *filter(None, (row.mask_path, row.points_path))]))
    ]
    if missing:
        raise DatasetError(
            "E_MANIFEST_FILE", f"every file must be there, got {len(missing)} missing: {name_rows(missing)}"
        )


def _exists_in(folder: Path) -> Callable[[Path], bool]:
    root = str(folder)
    return lambda relative: os.path.exists(f"{root}/{relative}")
