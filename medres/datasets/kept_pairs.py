"""Manifest -> the pairs that an earlier look at the same files found, so that no scan is compared twice.

Knows which files there are, their sizes and times; opens no scan. A manifest that says something else, a file that was
written since, or another version of medres finds nothing kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import medres
from medres.datasets.files import write_atomically
from medres.datasets.leaks import Pair
from medres.datasets.rows import Manifest
from medres.datasets.twins import TWIN
from medres.errors import StoreError
from medres.io.privacy import configuration_folder

MOST_KEPT = 64  # manifests; the ones used least recently go first


def default_folder() -> Path:
    """Say where `medres audit` and `medres train` keep pairs: in the user's configuration folder."""
    return configuration_folder() / "pairs"


def find_kept(folder: Path, manifest: Manifest) -> tuple[Pair, ...] | None:
    """Give the pairs of a manifest that was looked through before; None where it was not.

    Args:
        folder: where pairs are kept.
        manifest: whose rows, in any order.
    """
    place = folder / f"{files_digest(manifest)}.json"
    numbers = [row.number for row in sorted(manifest.rows, key=lambda row: row.key)]
    try:
        pairs = tuple(_pair(values, numbers) for values in json.loads(place.read_text()))
        os.utime(place)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return pairs


def keep_pairs(folder: Path, manifest: Manifest, pairs: Sequence[Pair]) -> None:
    """Keep the pairs of a manifest; a folder that cannot be written costs only the time of the next look.

    Args:
        folder: where pairs are kept; it names rows by their place alone, no path and no patient.
        manifest: whose rows.
        pairs: among them; parts of a split are not kept.
    """
    order = sorted(manifest.rows, key=lambda row: row.key)
    place = {row.number: index for index, row in enumerate(order)}
    told = [asdict(pair) | {"first": place[pair.first], "second": place[pair.second]} for pair in pairs]
    try:
        write_atomically(folder / f"{files_digest(manifest)}.json", json.dumps(told))
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in kept[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except (StoreError, OSError):
        return


def _pair(values: dict[str, Any], numbers: Sequence[int]) -> Pair:
    first, second = sorted((values["first"], values["second"]), key=lambda index: numbers[index])
    turned = first != values["first"]
    labels, channels = (tuple(values[name][:: -1 if turned else 1]) for name in ("labels", "channels"))
    kind, likeness, lay = values["kind"], values["likeness"], values["lay"]
    return Pair(numbers[first], numbers[second], kind, likeness, lay, labels, channels=channels)  # type: ignore[arg-type]


def files_digest(manifest: Manifest) -> str:
    """Digest what a manifest says and the names, sizes and times of its files.

    Args:
        manifest: any.

    Returns:
        SHA-256, 64 hex digits.
    """
    digest = hashlib.sha256(json.dumps([medres.__version__, TWIN, manifest.digest]).encode())
    paths = sorted({path for row in manifest.rows for path in row.paths.values()})
    for path in paths:
        place = manifest.folder / path
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        for file in files:
            facts = file.stat() if file.exists() else None
            digest.update(f"{file.name}|{facts and (facts.st_size, facts.st_mtime_ns)}\n".encode())
    return digest.hexdigest()
