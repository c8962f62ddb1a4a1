"""CSV of scans -> Manifest: who, where, which label; frozen, checked, with a digest.

Opens no scan and knows no pixels. Faults name rows by their number in the file (the header is row 1), never by patient
or path.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medres.datasets.files import write_atomically
from medres.datasets.manifest_checks import check_duplicates, check_files_exist, check_labels, check_patient_labels
from medres.datasets.rows import CHANNEL, Manifest, ManifestRow, row_cells
from medres.datasets.table import Table, format_table, name_rows, read_table
from medres.errors import DatasetError

NAMED_COLUMNS = 8  # columns spelt out in a message
TRUE, FALSE = ("yes", "true", "1", ""), ("no", "false", "0")
OWN_COLUMNS = ("patient_id", "label", "modality", "spacing_known", "mask_path", "points_path", "site")
WINDOWS_ROOT = re.compile(r"^([A-Za-z]:|//)")


def read_manifest(
    path: Path | str,
    *,
    labels: Sequence[str] | None = None,
    need_patients: bool = True,
    labels_per: str = "scan",
    check_files: bool = True,
) -> Manifest:
    """Read and check a manifest; a fault names its rows by number.

    Args:
        path: CSV file.
        labels: the labels that the configuration names; None allows any that is not empty.
        need_patients: refuse a manifest without `patient_id` (an audit does without).
        labels_per: "scan", or "patient": then a patient must have one label.
        check_files: look whether every file is there.

    Returns:
        The manifest.

    Raises:
        DatasetError: `E_MANIFEST_...` or `E_PATIENT_LABELS`.
    """
    path = Path(path)
    table = read_table(path)
    _check_needed(table.columns, need_patients)
    folder = path.resolve().parent
    manifest = Manifest(_read_rows(table, folder), folder, "patient_id" in table.columns)
    check_duplicates(manifest)
    check_labels(manifest, labels)
    if labels_per == "patient":
        check_patient_labels(manifest)
    if check_files:
        check_files_exist(manifest)
    return manifest


def _check_needed(columns: Sequence[str], need_patients: bool) -> None:
    paths = [name for name in columns if name == "path" or name.startswith("path_")]
    missing = [name for name in ("patient_id", "label") if name not in columns and (need_patients or name == "label")]
    if not paths:
        missing.append("path (or path_<channel>)")
    if missing:
        found = ", ".join(columns[:NAMED_COLUMNS])
        raise DatasetError("E_MANIFEST_COLUMN", f"the header must name {', '.join(missing)}, got {found}")
    if "path" in paths and len(paths) > 1:
        raise DatasetError(
            "E_MANIFEST_COLUMN",
            "the header must name path or path_<channel>, got both",
            "name every channel: path_<channel>",
        )


def _read_rows(table: Table, folder: Path) -> tuple[ManifestRow, ...]:
    rows, faults = [], defaultdict(list)
    for number, cells in table.rows:
        values = dict(zip(table.columns, cells, strict=True))
        try:
            rows.append(_read_row(number, values, folder))
        except _RowError as fault:
            faults[fault.args].append(number)
    for (code, rule), numbers in faults.items():
        raise DatasetError(code, f"{rule}, got otherwise in {name_rows(numbers)}")
    return tuple(rows)


class _RowError(Exception):
    """A fault of one row; gathered, then raised once with all its rows."""


def _read_row(number: int, values: dict[str, str], folder: Path) -> ManifestRow:
    known = values.get("spacing_known", "").lower()
    if known not in TRUE + FALSE:
        raise _RowError("E_MANIFEST_FORMAT", "spacing_known must be yes or no")
    if "patient_id" in values and not values["patient_id"]:
        raise _RowError("E_MANIFEST_FORMAT", "patient_id must not be empty")
    paths = _channel_paths(values, folder)
    mask, points = values.get("mask_path", ""), values.get("points_path", "")
    return ManifestRow(
        number=number,
        patient_id=values.get("patient_id", ""),
        paths=paths,
        label=values["label"],
        modality=values.get("modality", "").upper(),
        spacing_known=known in TRUE,
        mask_path=relative_path(mask, folder) if mask else None,
        site=values.get("site", ""),
        points_path=relative_path(points, folder) if points else None,
        extra={k: v for k, v in values.items() if k not in OWN_COLUMNS and k != "path" and not k.startswith("path_")},
    )


def _channel_paths(values: dict[str, str], folder: Path) -> dict[str, Path]:
    named = (
        {CHANNEL: values["path"]}
        if "path" in values
        else {k[5:]: v for k, v in values.items() if k.startswith("path_")}
    )
    if not all(named.values()):
        raise _RowError("E_MANIFEST_FILE", "every path must be given")
    return {channel: relative_path(text, folder) for channel, text in named.items()}


def relative_path(text: str, folder: Path) -> Path:
    r"""Bring a path as people write it (either slash, ./, absolute) to one relative to the manifest's folder.

    Args:
        text: path as written; a Windows drive cannot be followed and stays as it is (the file is then missing).
        folder: the manifest's folder, absolute.

    Returns:
        A relative path, which may climb with `..`.

    Example:
        >>> relative_path(r".\benign\1.png", Path("/data")).as_posix()
        'benign/1.png'
        >>> relative_path("/data/benign/1.png", Path("/data")).as_posix()
        'benign/1.png'
    """
    slashed = text.replace("\\", "/")
    if slashed.startswith("/") and not WINDOWS_ROOT.match(slashed):
        return Path(os.path.relpath(slashed, folder))
    return Path(os.path.normpath(slashed)) if ".." in slashed else Path(slashed)


def write_manifest(manifest: Manifest, path: Path | str) -> None:
    """Write a manifest as CSV, whole or not at all, readable by its owner only.

    Args:
        manifest: its paths are made relative to the new file's folder.
        path: CSV file.

    Raises:
        StoreError: `E_DISK_FULL` or `E_WRITE`.
    """
    path = Path(path)
    moved = _relocated(manifest, path.resolve().parent)
    cells = [row_cells(row) | {k: v for k, v in row.extra.items() if k == "split" and v} for row in moved.rows]
    columns = list(dict.fromkeys(name for row in cells for name in row))
    write_atomically(path, format_table(columns, ([row.get(name, "") for name in columns] for row in cells)))


def _relocated(manifest: Manifest, folder: Path) -> Manifest:
    if folder == manifest.folder:
        return manifest
    prefix = Path(os.path.relpath(manifest.folder, folder))

    def move(path: Path) -> Path:
        """Bring one path to the new folder."""
        return Path(os.path.normpath(prefix / path))

    rows = (
        replace(
            row,
            paths={name: move(p) for name, p in row.paths.items()},
            mask_path=row.mask_path and move(row.mask_path),
            points_path=row.points_path and move(row.points_path),
        )
        for row in manifest.rows
    )
    return Manifest(tuple(rows), folder, manifest.has_patients)
