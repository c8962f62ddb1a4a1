"""Manifest + Split -> what stands on two sides: scans and patients, rows by number.

Opens no scan; twins are found by the audit.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.datasets.table import name_rows
from medres.errors import DatasetError


def find_patient_leaks(manifest: Manifest, split: Split) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Find patients who stand in two parts that must not share any.

    Args:
        manifest: the split's.
        split: to look through.

    Returns:
        For each such pair of parts ("train/test", row numbers of the patients concerned).
    """
    if not manifest.has_patients:
        return ()
    found = []
    for scope in disjoint_parts(split):
        where: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for part in scope:
            for key in split.parts[part]:
                row = manifest.by_key[key]
                where[row.patient_id][part].append(row.number)
        pairs: dict[str, list[int]] = defaultdict(list)
        for held in where.values():
            for one, other in combinations(held, 2):
                pairs[f"{one}/{other}"].extend((*held[one], *held[other]))
        found += [(name, tuple(sorted(set(numbers)))) for name, numbers in pairs.items()]
    return tuple(found)


def disjoint_parts(split: Split) -> list[list[str]]:
    """List the sets of parts that must be disjoint: all outer parts; and, nested, each fold with its inner folds.

    Args:
        split: any.

    Returns:
        Names of parts, set by set.
    """
    outer = [name for name in split.parts if "/" not in name]
    inner = [[name, *(n for n in split.parts if n.startswith(f"{name}/"))] for name in outer]
    return [outer, *(scope for scope in inner if len(scope) > 1)]


def check_patients(manifest: Manifest, split: Split) -> None:
    """Refuse a split in which a patient stands in two parts.

    Args:
        manifest: the split's.
        split: to check.

    Raises:
        DatasetError: `E_PATIENT_LEAK` with rows by number.
    """
    leaks = find_patient_leaks(manifest, split)
    if leaks:
        numbers = [number for _, rows in leaks for number in rows]
        parts = " and ".join(leaks[0][0].split("/")[:2]) if "inner" not in leaks[0][0] else "nested folds"
        raise DatasetError(
            "E_PATIENT_LEAK", f"a patient must stand in one part, got patients in both {parts}: {name_rows(numbers)}"
        )


def check_parts(manifest: Manifest, split: Split) -> None:
    """Refuse a split that names unknown rows, or a row in two parts.

    Args:
        manifest: the split's.
        split: to check.

    Raises:
        DatasetError: `E_SPLIT_FORMAT`, or `E_PATIENT_LEAK` with rows by number.
    """
    outer = [key for name, keys in split.parts.items() if "/" not in name for key in keys]
    unknown = sum(key not in manifest.by_key for keys in split.parts.values() for key in keys)
    if unknown:
        raise DatasetError("E_SPLIT_FORMAT", f"every key must be a row of the manifest, got {unknown} others")
    seen: set[str] = set()
    twice = {manifest.by_key[key].number for key in outer if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
    if twice:
        raise DatasetError("E_PATIENT_LEAK", f"a scan must stand in one part, got two for {name_rows(twice)}")
