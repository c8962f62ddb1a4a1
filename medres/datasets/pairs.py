"""Manifest rows and what their scans show -> pairs of rows that show the same.

Opens no file. Of several channels in a row each is compared with each: a sequence that stands in two rows is a copy,
though the rows' other sequences differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medres.datasets.chance import chance_likeness
from medres.datasets.leaks import Pair
from medres.datasets.rows import Manifest
from medres.datasets.scans import Scan, Shown
from medres.datasets.twins import ALL_PAIRS, TWIN, Twin, find_exact, find_near

KINDS = {1: "pictures", 3: "volumes"}  # by number of planes
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Entry:
    """One channel of one row.

    Attributes:
        row: index of the row.
        shown: what its scan shows.
    """

    row: int
    shown: Shown


def find_pairs(
    manifest: Manifest, scans: Sequence[Scan], workers: int = 1, on_progress: Progress | None = None
) -> tuple[tuple[Pair, ...], dict[str, float]]:
    """Find copies and near-copies among rows.

    Args:
        manifest: whose rows.
        scans: one for each row.
        workers: threads.
        on_progress: called with (what is being done, done, of how many).

    Returns:
        Exact pairs, then near ones, the most alike first, each pair of rows once; and the likeness from which near
        pairs were accused, by "pictures" and "volumes". Of exact copies one stands for all in the search, and near
        pairs are told for each of its copies.
    """
    entries = [Entry(number, shown) for number, scan in enumerate(scans) for shown in scan.shown]
    exact = find_exact([entry.shown.digest for entry in entries])
    copies: dict[int, list[int]] = defaultdict(list)
    hidden = {twin.second for twin in exact}
    for twin in exact:
        if twin.first not in hidden:
            copies[twin.first].append(twin.second)
    near: list[Twin] = []
    thresholds = {}
    for depth, name in KINDS.items():
        members = [n for n, entry in enumerate(entries) if len(entry.shown.planes) == depth and n not in hidden]
        if len(members) > 1:
            thresholds[name], found = _near_among(entries, members, workers, on_progress)
            near += found
    return tuple(_of_rows(manifest, entries, [*exact, *_spread(near, copies)])), thresholds


def _near_among(
    entries: Sequence[Entry], members: Sequence[int], workers: int, on_progress: Progress | None
) -> tuple[float, list[Twin]]:
    planes = np.stack([entries[n].shown.planes for n in members])
    sides = np.array([entries[n].shown.side for n in members])
    threshold = round(max(TWIN, chance_likeness(planes, sides, workers)), 4)
    step = (lambda done, total: on_progress("compare scans", done, total)) if on_progress else None
    found = find_near(planes, sides, threshold=threshold, threads=workers, on_progress=step)
    return threshold, [replace(twin, first=members[twin.first], second=members[twin.second]) for twin in found]


def _spread(near: Sequence[Twin], copies: Mapping[int, Sequence[int]]) -> Iterator[Twin]:
    for twin in near:
        for one in (twin.first, *copies.get(twin.first, ())[:ALL_PAIRS]):
            for other in (twin.second, *copies.get(twin.second, ())[:ALL_PAIRS]):
                yield replace(twin, first=one, second=other)


def _of_rows(manifest: Manifest, entries: Sequence[Entry], twins: Sequence[Twin]) -> Iterator[Pair]:
    """Turn twins among channels into pairs of rows; the first of each two rows, which is the most alike, stands."""
    told: set[tuple[int, int]] = set()
    several = len(manifest.channels) > 1
    for twin in twins:
        first, second = sorted((entries[twin.first], entries[twin.second]), key=lambda entry: entry.row)
        if first.row == second.row or (first.row, second.row) in told:
            continue
        told.add((first.row, second.row))
        one, other = manifest.rows[first.row], manifest.rows[second.row]
        channels = (first.shown.channel, second.shown.channel) if several else ("", "")
        labels = (one.label, other.label)
        yield Pair(one.number, other.number, twin.kind, twin.likeness, twin.lay, labels, channels=channels)
