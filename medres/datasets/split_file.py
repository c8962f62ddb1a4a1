"""Split <-> JSON file bound to the manifest's digest; a `split` column -> Split.

Opens no scan. A split that leaks patients is refused when it is read or imported, whoever made it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from medres.datasets.files import write_atomically
from medres.datasets.manifest import Manifest
from medres.datasets.split import Kind, Split, check_digest, describe_part
from medres.datasets.split_checks import check_parts, check_patients
from medres.datasets.table import name_rows
from medres.errors import DatasetError

SCHEMA = 1
ALIASES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}
FIELDS = ("schema_version", "kind", "method", "seed", "manifest_digest", "grouped_by", "balance", "notes", "parts")


def write_split(split: Split, path: Path | str) -> None:
    """Write a split as JSON, whole or not at all, readable by its owner only.

    Args:
        split: to write.
        path: JSON file.

    Raises:
        StoreError: `E_DISK_FULL` or `E_WRITE`.
    """
    values = {"schema_version": SCHEMA} | {name: getattr(split, name) for name in FIELDS[1:]}
    write_atomically(Path(path), json.dumps(values, indent=1) + "\n")


def read_split(path: Path | str, manifest: Manifest | None = None, *, allow_leaks: bool = False) -> Split:
    """Read a split and, with its manifest, refuse it where it leaks or belongs to another.

    Args:
        path: JSON file.
        manifest: the split's; None reads without checks against it.
        allow_leaks: let patients stand in two parts (for an audit, which names them).

    Returns:
        The split.

    Raises:
        DatasetError: `E_SPLIT_FORMAT`, `E_SPLIT_DIGEST` or `E_PATIENT_LEAK`.
    """
    values = _load(Path(path))
    parts = {str(name): tuple(map(str, keys)) for name, keys in values["parts"].items()}
    split = Split(
        parts=parts,
        manifest_digest=str(values["manifest_digest"]),
        seed=values.get("seed"),
        method=str(values.get("method", "")),
        kind=values.get("kind", "parts"),
        grouped_by=tuple(values.get("grouped_by", ())),
        balance=values.get("balance", {}),
        notes=tuple(values.get("notes", ())),
    )
    if manifest is not None:
        check_digest(split, manifest)
        check_parts(manifest, split)
        if not allow_leaks:
            check_patients(manifest, split)
    return split


def _load(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise DatasetError(
            "E_SPLIT_FORMAT", "the split must be a JSON file made by medres split, got no such thing"
        ) from None
    if not isinstance(values, dict) or not isinstance(values.get("parts"), dict) or not values.get("manifest_digest"):
        raise DatasetError(
            "E_SPLIT_FORMAT", "the split must hold parts and manifest_digest, got neither or one of them"
        )
    if values.get("schema_version") != SCHEMA or values.get("kind") not in ("parts", "folds", "nested"):
        raise DatasetError(
            "E_SPLIT_FORMAT", f"schema_version must be {SCHEMA} with a known kind, got {values.get('schema_version')!r}"
        )
    if not all(isinstance(keys, list) for keys in values["parts"].values()):
        raise DatasetError("E_SPLIT_FORMAT", "every part must be a list of row keys, got something else")
    return values


def split_from_column(manifest: Manifest, column: str = "split", *, allow_leaks: bool = False) -> Split:
    """Import a split that stands in the manifest as a column.

    Args:
        manifest: with that column; train, validation (or val), test; or fold numbers.
        column: its name.
        allow_leaks: let patients stand in two parts (for an audit, which names them).

    Returns:
        The split, bound to the manifest.

    Raises:
        DatasetError: `E_SPLIT_FORMAT` for empty or unknown values, `E_PATIENT_LEAK` where it leaks.
    """
    parts: dict[str, list[str]] = defaultdict(list)
    faults = []
    for row in manifest.rows:
        name = _part_name(row.value(column))
        parts[name].append(row.key)
        if not name:
            faults.append(row.number)
    if faults:
        raise DatasetError(
            "E_SPLIT_FORMAT",
            f"{column} must be train, validation, test or a fold number, got otherwise in {name_rows(faults)}",
            "correct these rows",
        )
    order = sorted(
        parts,
        key=lambda name: (
            ("train", "validation", "test").index(name) if name in ("train", "validation", "test") else 3,
            len(name),
            name,
        ),
    )
    kind: Kind = "folds" if all(name.startswith("fold_") for name in parts) else "parts"
    balance = {name: describe_part([manifest.by_key[key] for key in parts[name]]) for name in order}
    notes = (
        ()
        if manifest.has_patients
        else ("the manifest names no patients: whether one stands in two parts was not checked",)
    )
    split = Split(
        {n: tuple(sorted(parts[n])) for n in order},
        manifest.digest,
        None,
        f"imported from column {column}",
        kind,
        (),
        balance,
        notes,
    )  # type: ignore[arg-type]
    if not allow_leaks:
        check_patients(manifest, split)
    return split


def _part_name(text: str) -> str:
    """Bring a cell to a part's name; "" where it is none."""
    word = text.strip().lower()
    word = ALIASES.get(word, word)
    if word in ("train", "validation", "test"):
        return word
    number = word.removeprefix("fold_").removeprefix("fold")
    return f"fold_{int(number)}" if number.isdecimal() else ""
