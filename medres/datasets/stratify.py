"""Groups with their labels and wanted shares -> a part for each group, as balanced as the groups allow.

Knows integers alone: neither patients nor files. The same seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ATTEMPTS = 12  # orders tried where there are few groups; the best is kept
MOVES = 50  # groups considered for one empty place
FEW_GROUPS = 3000  # above this one order is as good as any other
UNBALANCED = 0.05  # a share may be this far from the one wanted before it counts as poor
FEW_TO_SWAP = 300  # groups up to which a poor balance is bettered by moving and exchanging them
MOST_SWAPS = 200
EMPTY = 1e9  # cost of a label without a row in a part: never worth any balance


def connected_groups(keys: Iterable[Sequence[Hashable]]) -> NDArray[np.int64]:
    """Join rows that share any key, directly or through other rows.

    Args:
        keys: for each row the keys it carries; rows that share one belong together.

    Returns:
        (n,) group numbers from 0, in order of first appearance.

    Example:
        >>> connected_groups([("p1", "site a"), ("p2", "site b"), ("p3", "site a"), ("p2",)]).tolist()
        [0, 1, 0, 1]
    """
    parent: list[int] = []
    first: dict[Hashable, int] = {}
    for row, row_keys in enumerate(keys):
        parent.append(row)
        for key in row_keys:
            other = first.setdefault(key, row)
            parent[_root(parent, row)] = _root(parent, other)
    roots = [_root(parent, row) for row in range(len(parent))]
    number: dict[int, int] = {}
    return np.array([number.setdefault(root, len(number)) for root in roots], np.int64)


def _root(parent: list[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


def assign_parts(counts: NDArray[np.int64], shares: Sequence[float], seed: int) -> NDArray[np.int64]:
    """Give each group a part so that labels in parts come close to the wanted shares.

    Groups go largest first to the part where they lower the chi-square distance from the wanted counts most. Where few
    groups come out far from the shares, single groups are then moved and exchanged as long as that lowers the distance.

    Args:
        counts: (groups, labels), rows of each label in each group.
        shares: (parts,), positive, sum 1.
        seed: orders groups of equal size.

    Returns:
        (groups,) part numbers.

    Example:
        >>> sorted(assign_parts(np.ones((4, 1), np.int64), (0.5, 0.5), seed=0).tolist())
        [0, 0, 1, 1]
    """
    target = np.outer(shares, counts.sum(axis=0)) + 1e-9  # (parts, labels)
    generator = np.random.default_rng(seed)
    attempts = ATTEMPTS if len(counts) <= FEW_GROUPS else 1
    tries = [_fill_empty(_assign_once(counts, target, generator), counts, target) for _ in range(attempts)]
    best = min(tries, key=lambda parts: _distance(parts, counts, target))
    if len(counts) > FEW_TO_SWAP or not _is_poor(best, counts, target):
        return best
    return min((_better(parts, counts, target) for parts in tries), key=lambda parts: _distance(parts, counts, target))


def _is_poor(parts: NDArray[np.int64], counts: NDArray[np.int64], target: NDArray[np.float64]) -> bool:
    """Tell whether a part's share of rows, or a label's share of a part, is far from the one wanted."""
    held = _held(parts, counts, target)
    rows, labels = held.sum(axis=1), target.sum(axis=0)
    of_rows = np.abs(rows - target.sum(axis=1)) / counts.sum()
    of_labels = np.abs(held / np.maximum(rows, 1)[:, None] - labels / labels.sum())
    return bool(max(of_rows.max(), of_labels.max()) > UNBALANCED)


def _better(parts: NDArray[np.int64], counts: NDArray[np.int64], target: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move or exchange single groups as long as that lowers the distance."""
    for _ in range(MOST_SWAPS):
        held = _held(parts, counts, target)
        moves, swaps = _move_gains(parts, counts, held, target), _swap_gains(parts, counts, held, target)
        if min(moves.min(), swaps.min()) > -1e-9:
            break
        parts = parts.copy()
        if moves.min() <= swaps.min():
            group, part = np.unravel_index(moves.argmin(), moves.shape)
            parts[group] = part
        else:
            one, other = np.unravel_index(swaps.argmin(), swaps.shape)
            parts[[one, other]] = parts[[other, one]]
    return parts


def _move_gains(parts: NDArray, counts: NDArray, held: NDArray, target: NDArray) -> NDArray[np.float64]:
    """Give the change of cost when a group goes to a part, (groups, parts)."""
    now = _cost(held, target)
    left = _cost(held[parts] - counts, target[parts]) - now[parts]  # (groups,)
    gains = left[:, None] + _cost(held + counts[:, None], target) - now  # (groups, parts)
    gains[np.arange(len(parts)), parts] = 0.0
    return np.asarray(gains)


def _swap_gains(parts: NDArray, counts: NDArray, held: NDArray, target: NDArray) -> NDArray[np.float64]:
    """Give the change of cost when two groups exchange their parts, (groups, groups)."""
    now = _cost(held, target)[parts]
    change = counts[None] - counts[:, None]  # (groups, groups, labels): what the first's part gains
    side = _cost(held[parts][:, None] + change, target[parts][:, None]) - now[:, None]  # (groups, groups)
    gains = side + side.T
    gains[parts[:, None] == parts] = 0.0
    return np.asarray(gains)


def _cost(held: NDArray, target: NDArray) -> NDArray[np.float64]:
    return np.asarray(((held - target) ** 2 / target + EMPTY * (held <= 0)).sum(axis=-1))


def _assign_once(
    counts: NDArray[np.int64], target: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.int64]:
    order = generator.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    parts = np.zeros(len(counts), np.int64)
    pull, weight = np.full_like(target, -2.0), 1.0 / target  # pull = 2 (held - target) / target
    for group in order:
        held = counts[group]
        part = int(np.argmin(pull @ held + weight @ (held * held)))
        parts[group] = part
        pull[part] += 2.0 * held * weight[part]
    return parts


def _fill_empty(parts: NDArray[np.int64], counts: NDArray[np.int64], target: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move single groups so that every part holds every label, where enough groups carry it."""
    for _ in range(target.size):
        carried = np.zeros(target.shape, np.int64)  # groups with each label in each part
        np.add.at(carried, parts, (counts > 0).astype(np.int64))
        gaps = np.argwhere(carried == 0)
        moves = [(part, group) for part, label in gaps for group in _movable(label, parts, counts, carried)]
        if not moves:
            break
        part, group = min(moves, key=lambda move: _distance(_moved(parts, *move), counts, target))
        parts = _moved(parts, part, group)
    return parts


def _movable(
    label: int, parts: NDArray[np.int64], counts: NDArray[np.int64], carried: NDArray[np.int64]
) -> NDArray[np.int64]:
    """List the groups with a label whose going leaves no label of their part empty, the smallest first."""
    spare = ((counts == 0) | (carried[parts] > 1)).all(axis=1) & (counts[:, label] > 0)
    groups = np.flatnonzero(spare)
    return groups[np.argsort(counts[groups].sum(axis=1), kind="stable")][:MOVES]


def _moved(parts: NDArray[np.int64], part: int, group: int) -> NDArray[np.int64]:
    changed = parts.copy()
    changed[group] = part
    return changed


def _distance(parts: NDArray[np.int64], counts: NDArray[np.int64], target: NDArray[np.float64]) -> tuple[int, float]:
    held = _held(parts, counts, target)
    empty = int((held == 0).sum())
    return empty, float((((held - target) ** 2) / target).sum())


def _held(parts: NDArray[np.int64], counts: NDArray[np.int64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count the rows of each label in each part."""
    held = np.zeros_like(target)
    np.add.at(held, parts, counts)
    return held
