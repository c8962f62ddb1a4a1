"""Manifest (and Split) -> AuditReport: copies, near-copies, label conflicts, leaks, balance, shortcuts, faults.

Reads every scan once through medres.io. Names rows by number and parts by name; never a patient or a path.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres.datasets.balance import Balance, find_balance
from medres.datasets.kept_pairs import find_kept, keep_pairs
from medres.datasets.leaks import Leak, Pair, find_leaks, with_parts
from medres.datasets.pairs import find_pairs
from medres.datasets.rows import Manifest
from medres.datasets.scans import Scan, read_scans
from medres.datasets.shortcuts import Shortcut, build_facts, find_shortcuts
from medres.datasets.split import LEAK_GROUP, Split
from medres.datasets.stratify import connected_groups

SCHEMA = 1
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Fault:
    """A scan that cannot be learnt from.

    Attributes:
        row: row number.
        code: why.
        message: why, in words.
    """

    row: int
    code: str
    message: str


@dataclass(frozen=True)
class AuditReport:
    """What stands in a manifest, and what a number made with it would be worth.

    Attributes:
        manifest_digest: of the manifest.
        scan_count: rows.
        patient_count: patients; 0 where the manifest names none.
        labels: label to rows.
        pairs: copies and near-copies.
        conflicts: groups of copies with more than one label, by row number.
        faults: unreadable, refused and empty scans.
        warnings: `W_...` code to number of scans.
        leaks: of the split, by name; () without one.
        balance: columns against labels.
        shortcuts: how well facts of header and borders tell each label.
        groups: sets of rows that must stay together (patients and copies), only those that join patients.
        thresholds: likeness from which near-copies were accused, of "pictures" and "volumes"; 0.92, or higher where
            different scans of the set are as alike by chance.
        seconds: it took.
    """

    manifest_digest: str
    scan_count: int
    patient_count: int
    labels: dict[str, int]
    pairs: tuple[Pair, ...]
    conflicts: tuple[tuple[int, ...], ...]
    faults: tuple[Fault, ...]
    warnings: dict[str, int]
    leaks: tuple[Leak, ...]
    balance: tuple[Balance, ...]
    shortcuts: tuple[Shortcut, ...]
    groups: tuple[tuple[int, ...], ...]
    thresholds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything but the time it took."""
        values = asdict(replace(self, seconds=0.0))
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def audit_manifest(
    manifest: Manifest,
    split: Split | None = None,
    *,
    workers: int = 1,
    kept: Path | None = None,
    on_progress: Progress | None = None,
) -> AuditReport:
    """Audit a manifest and, where given, a split of it.

    Args:
        manifest: to audit; it may name no patients.
        split: of this manifest.
        workers: processes for reading, threads for comparing.
        kept: folder where the pairs are kept for `check_split`; None keeps nothing.
        on_progress: called with (what is being done, done, of how many).

    Returns:
        The report.
    """
    start = time.perf_counter()
    scans = read_scans(manifest, workers=workers, on_progress=_step(on_progress, "read scans"))
    found, thresholds = find_pairs(manifest, scans, workers, on_progress)
    if kept:
        keep_pairs(kept, manifest, found)
    pairs = with_parts(manifest, split, found)
    groups = safe_groups(manifest, pairs)
    readable = [number for number, scan in enumerate(scans) if scan.digest]
    legible = manifest.with_rows(manifest.rows[number] for number in readable)
    names, values = build_facts(legible, [scans[number].facts for number in readable])
    labels = [row.label for row in legible.rows]
    return AuditReport(
        manifest_digest=manifest.digest,
        scan_count=len(manifest.rows),
        patient_count=len({row.patient_id for row in manifest.rows} - {""}),
        labels={name: sum(row.label == name for row in manifest.rows) for name in manifest.label_names},
        pairs=pairs,
        conflicts=_find_conflicts(manifest, pairs),
        faults=_find_faults(scans),
        warnings=_count_warnings(scans),
        leaks=find_leaks(manifest, split, pairs) if split else (),
        balance=find_balance(manifest),
        shortcuts=find_shortcuts(names, values, labels, groups[readable]),
        groups=_joined_patients(manifest, groups),
        thresholds=thresholds,
        seconds=round(time.perf_counter() - start, 1),
    )


def check_split(
    manifest: Manifest,
    split: Split,
    *,
    workers: int = 1,
    kept: Path | None = None,
    on_progress: Progress | None = None,
) -> tuple[Leak, ...]:
    """Look for patients, copies and near-copies on two sides of a split; what `medres train` asks before it starts.

    Args:
        manifest: the split's.
        split: to check.
        workers: processes for reading, threads for comparing.
        kept: folder with pairs of earlier looks at the same files, which are then not read again; None looks anew.
        on_progress: called with (what is being done, done, of how many).

    Returns:
        Leaks by name, none for a clean split.
    """
    used = {key for keys in split.parts.values() for key in keys}
    part = manifest.with_rows(row for row in manifest.rows if row.key in used)
    pairs = find_kept(kept, part) if kept else None
    if pairs is None:
        scans = read_scans(part, workers=workers, on_progress=_step(on_progress, "read scans"))
        pairs = find_pairs(part, scans, workers, on_progress)[0]
        if kept:
            keep_pairs(kept, part, pairs)
    return find_leaks(part, split, pairs)


def _step(on_progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: on_progress(name, done, total)) if on_progress else None


def safe_groups(manifest: Manifest, pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """Number the groups that a safe split must keep together: patients joined by copies and near-copies.

    Args:
        manifest: whose rows.
        pairs: twins among them.

    Returns:
        (n,) group numbers.
    """
    index = {row.number: number for number, row in enumerate(manifest.rows)}
    keys: list[list[tuple[str, object]]] = [[("row", row.number)] for row in manifest.rows]
    for row, own in zip(manifest.rows, keys, strict=True):
        if row.patient_id:
            own.append(("patient", row.patient_id))
    for pair in pairs:
        keys[index[pair.second]].append(("row", pair.first))
    return connected_groups(keys)


def with_safe_groups(manifest: Manifest, pairs: Sequence[Pair]) -> Manifest:
    """Copy a manifest with a `leak_group` column, which `medres split` keeps together; a split column is left out.

    Args:
        manifest: whose rows.
        pairs: twins among them.

    Returns:
        A manifest with patients: where none were named, each group counts as one.
    """
    rows = []
    for row, group in zip(manifest.rows, safe_groups(manifest, pairs), strict=True):
        extra = {name: text for name, text in row.extra.items() if name != "split"} | {LEAK_GROUP: f"g{group:06d}"}
        rows.append(replace(row, extra=extra, patient_id=row.patient_id or f"g{group:06d}"))
    return replace(manifest, rows=tuple(rows), has_patients=True)


def _find_conflicts(manifest: Manifest, pairs: Sequence[Pair]) -> tuple[tuple[int, ...], ...]:
    together = safe_groups(replace(manifest, rows=tuple(replace(row, patient_id="") for row in manifest.rows)), pairs)
    members: dict[int, list[int]] = defaultdict(list)
    for number, group in enumerate(together):
        members[int(group)].append(number)
    mixed = (group for group in members.values() if len({manifest.rows[n].label for n in group}) > 1)
    return tuple(tuple(manifest.rows[n].number for n in group) for group in mixed)


def _joined_patients(manifest: Manifest, groups: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    members: dict[int, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        members[int(group)].append(number)
    joined = (
        own
        for own in members.values()
        if len(own) > 1 and len({manifest.rows[n].patient_id or str(n) for n in own}) > 1
    )
    return tuple(tuple(manifest.rows[n].number for n in own) for own in joined)


def _find_faults(scans: Sequence[Scan]) -> tuple[Fault, ...]:
    found = []
    for scan in scans:
        if scan.code:
            found.append(Fault(scan.number, scan.code, scan.message))
            continue
        for name in (name for name in scan.facts if name.endswith("lowest value")):
            told = name.removesuffix("lowest value")
            if scan.facts[name] == scan.facts[f"{told}highest value"] and scan.facts[f"{told}slices"] == 1:
                found.append(Fault(scan.number, "W_FLAT", f"{told}every pixel has the value {scan.facts[name]:g}"))
    return tuple(found)


def _count_warnings(scans: Sequence[Scan]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for scan in scans:
        for code in scan.warnings:
            counts[code] += 1
    return dict(sorted(counts.items()))
