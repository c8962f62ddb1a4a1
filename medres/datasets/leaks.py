"""Twins and patients, and a split -> its leaks by name: what stands in two parts that must not share it.

Opens no scan. A leak's name is what `medres train --accept-leak` takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from medres.datasets.split_checks import disjoint_parts, find_patient_leaks
from medres.datasets.stratify import connected_groups
from medres.datasets.table import name_rows
from medres.errors import DatasetError

Kind = Literal["patients", "exact", "near"]
WORDS = {"patients": "patients", "exact": "exact copies", "near": "near-copies"}


@dataclass(frozen=True)
class Pair:
    """Two rows that show the same.

    Attributes:
        first: row number.
        second: row number, above the first.
        kind: "exact" or "near".
        likeness: 1 for exact; from the threshold to 1 for near.
        lay: how the one must be laid to give the other, in words.
        labels: of both rows.
        parts: of the split where both stand, "" without a split.
        channels: that show the same, "" where rows have one channel.
    """

    first: int
    second: int
    kind: Literal["exact", "near"]
    likeness: float
    lay: str
    labels: tuple[str, str]
    parts: tuple[str, str] = ("", "")
    channels: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Leak:
    """What two parts of a split share.

    Attributes:
        name: such as `near:train/test`.
        kind: "patients", "exact" or "near".
        parts: the two parts.
        rows: row numbers concerned, in both parts.
        judged_rows: those of them in the part that is judged by (the second).
    """

    name: str
    kind: Kind
    parts: tuple[str, str]
    rows: tuple[int, ...]
    judged_rows: tuple[int, ...]


def find_leaks(manifest: Manifest, split: Split, pairs: Sequence[Pair]) -> tuple[Leak, ...]:
    """Name every leak between parts of a split.

    Args:
        manifest: the split's.
        split: to look through.
        pairs: twins among the manifest's rows.

    Returns:
        Leaks; none where the parts share nothing.
    """
    rows: dict[tuple[Kind, str, str], set[int]] = defaultdict(set)
    for name, shared in find_patient_leaks(manifest, split):
        one, other = _ends(name, split)
        rows[("patients", one, other)].update(shared)
    same = _same_sets(pairs)
    for scope in _scopes(split):
        place = {manifest.by_key[key].number: part for part in scope for key in split.parts[part]}
        for kind, numbers in same:
            stood = sorted({place[number] for number in numbers if number in place}, key=scope.index)
            for one, other in combinations(stood, 2):
                rows[(kind, one, other)].update(number for number in numbers if place.get(number) in (one, other))
    judged = {part: {manifest.by_key[key].number for key in keys} for part, keys in split.parts.items()}
    return tuple(_leak(*found, numbers & judged[found[2]], numbers) for found, numbers in rows.items())


def _same_sets(pairs: Sequence[Pair]) -> list[tuple[Kind, list[int]]]:
    """List sets of rows that show the same: each set of exact copies, and each two sets that a near pair joins."""
    exact = [(pair.first, pair.second) for pair in pairs if pair.kind == "exact"]
    numbers = sorted({number for pair in pairs for number in (pair.first, pair.second)})
    linked: dict[int, list[tuple[str, int]]] = {number: [("row", number)] for number in numbers}
    for first, second in exact:
        linked[second].append(("row", first))
    members: dict[int, list[int]] = defaultdict(list)
    group = dict(zip(numbers, connected_groups(linked[number] for number in numbers).tolist(), strict=True))
    for number in numbers:
        members[group[number]].append(number)
    found: list[tuple[Kind, list[int]]] = [("exact", rows) for rows in members.values() if len(rows) > 1]
    near = {(group[pair.first], group[pair.second]) for pair in pairs if pair.kind == "near"}
    # exact copies of either side cross parts as exact copies; here only what stands across counts
    return [*found, *(("near", [*members[one], *members[other]]) for one, other in sorted(near))]


def _scopes(split: Split) -> list[list[str]]:
    """List the sets of parts between which a twin leaks: the outer ones; and of nested folds each fold's inner ones."""
    outer, *nested = disjoint_parts(split)
    return [outer, *([name for name in scope if "/" in name] for scope in nested)]


def _ends(name: str, split: Split) -> tuple[str, str]:
    found = [part for pair in combinations(split.parts, 2) if "/".join(pair) == name for part in pair]
    return (found[0], found[1]) if found else (name, name)


def _leak(kind: Kind, one: str, other: str, judged: set[int], numbers: set[int]) -> Leak:
    return Leak(f"{kind}:{one}/{other}", kind, (one, other), tuple(sorted(numbers)), tuple(sorted(judged)))


def with_parts(manifest: Manifest, split: Split | None, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Say of each pair in which parts it stands.

    Args:
        manifest: the split's.
        split: None leaves the pairs as they are.
        pairs: twins.
    """
    if split is None:
        return tuple(pairs)
    outer = _scopes(split)[0]
    place = {manifest.by_key[key].number: part for part in outer for key in split.parts[part]}
    return tuple(replace(p, parts=(place.get(p.first, ""), place.get(p.second, ""))) for p in pairs)


def describe_acceptance(leaks: Sequence[Leak], accepted: Sequence[str] = ()) -> dict[str, str]:
    """Say for the model card what was found and what was accepted.

    Args:
        leaks: of the split.
        accepted: names of leaks that were accepted.

    Returns:
        Leak to words; {"leaks": "none found"} for a clean split.

    Example:
        >>> describe_acceptance([])
        {'leaks': 'none found'}
    """
    told = {
        leak.name: f"accepted: {len(leak.judged_rows)} scans of {leak.parts[1]} share {WORDS[leak.kind]} with "
        f"{leak.parts[0]}"
        for leak in leaks
        if leak.name in accepted
    }
    return told or {"leaks": "none found"}


def refuse_leaks(leaks: Sequence[Leak], accepted: Sequence[str] = ()) -> None:
    """Refuse a split that leaks, but for leaks that were accepted by name.

    Args:
        leaks: of the split.
        accepted: names of leaks to accept.

    Raises:
        DatasetError: `E_LEAK` with names and rows by number; also where an accepted name is no leak of this split.
    """
    names = [leak.name for leak in leaks]
    unknown = [name for name in accepted if name not in names]
    if unknown:
        have = ", ".join(names) or "no leak"
        raise DatasetError(
            "E_LEAK", f"an accepted leak must be one that is there, got {unknown[0]!r}", f"there is {have}"
        )
    left = [leak for leak in leaks if leak.name not in accepted]
    if left:
        told = "; ".join(
            f"{leak.name} ({len(leak.judged_rows)} scans of {leak.parts[1]}: {name_rows(leak.judged_rows)})"
            for leak in left
        )
        cure = (
            "run medres audit --fix groups and split again, or say --accept-leak NAME, which goes into the model card"
        )
        raise DatasetError("E_LEAK", f"parts must share no {WORDS[left[0].kind]}, got {told}", cure)
