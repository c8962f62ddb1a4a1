"""Planes of many scans -> pairs that may be twins, by an approximate nearest-neighbour index.

Knows arrays alone. Every scan is looked up in every lay and in a few crops, so that mirrored, turned and cropped copies
meet; the number of look-ups grows with the number of scans, not with its square.
"""

from __future__ import annotations

from dataclasses import dataclass

import hnswlib
import numpy as np
from numpy.typing import NDArray

from medres.datasets.alignment import sample
from medres.datasets.symmetry import lay

CELLS = 8  # a plane is described by 8 x 8 means
# (size, down, right): the part of a plane that is looked up; whole, a smaller middle, and middle, edges and corners
CROPS = (
    (1.0, 0.0, 0.0),
    (0.9, 0.0, 0.0),
    *((0.95, d, r) for d in (-0.05, 0.0, 0.05) for r in (-0.05, 0.0, 0.05)),
)
NEAREST = 8  # neighbours asked for at each look-up
KEPT = 12  # candidates kept for each scan
BLOCK = 256  # scans handled at once, so that memory stays small
LINKS, BUILD_EFFORT, SEARCH_EFFORT = 16, 100, 40  # of the index (M, ef_construction, ef)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs worth a closer look.

    Attributes:
        pairs: (n, 2), scan numbers: the one looked up, the one found.
        lays: (n,), how the first must be laid.
        crops: (n,), which part of the first was looked up.
        similarity: (n,), cosine of descriptions.
    """

    pairs: NDArray[np.int64]
    lays: NDArray[np.int64]
    crops: NDArray[np.int64]
    similarity: NDArray[np.float32]


def describe_planes(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe scans by 8 x 8 means of each plane, mean 0 and length 1.

    Args:
        planes: (N, P, n, n), n a multiple of 8.

    Returns:
        (N, P, 8, 8).
    """
    count, depth, side, _ = planes.shape
    cells = planes.reshape(count, depth, CELLS, side // CELLS, CELLS, side // CELLS).mean((3, 5))
    centred = cells - cells.mean((1, 2, 3), keepdims=True)
    length = np.sqrt((centred * centred).sum((1, 2, 3), keepdims=True))
    return np.asarray(centred / (length + 1e-6), np.float32)


def find_candidates(planes: NDArray[np.uint8], threads: int = 1, nearest: int = NEAREST) -> Candidates:
    """Find pairs that may show the same.

    Args:
        planes: (N, P, 64, 64), as `build_planes` makes them.
        threads: for the index.
        nearest: neighbours asked for at each look-up.

    Returns:
        At most 12 candidates for each scan, each pair once, with the best lay and crop.
    """
    whole = _described(planes, CROPS[0])
    index = hnswlib.Index("ip", whole[0].size)
    index.init_index(len(planes), M=LINKS, ef_construction=BUILD_EFFORT, random_seed=0)
    index.set_num_threads(threads)
    index.add_items(whole.reshape(len(planes), -1))
    index.set_ef(max(SEARCH_EFFORT, nearest))
    lays = 8 if planes.shape[1] == 1 else 16
    described = [whole if number == 0 else _described(planes, crop) for number, crop in enumerate(CROPS)]
    blocks = []
    for start in range(0, len(planes), BLOCK):
        found, similar, how = [], [], []
        for crop_number, parts in enumerate(described):
            for number in range(lays):
                looked_up = np.ascontiguousarray(lay(parts[start : start + BLOCK], number))
                labels, distances = index.knn_query(looked_up.reshape(len(looked_up), -1), k=min(nearest, len(planes)))
                found.append(labels.astype(np.int32))
                similar.append(1 - distances)
                how.append(np.full(labels.shape, crop_number * 16 + number, np.int16))
        blocks.append(_best_of(start, np.concatenate(found, 1), np.concatenate(similar, 1), np.concatenate(how, 1)))
    return _each_once(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _described(planes: NDArray[np.uint8], crop: tuple[float, float, float]) -> NDArray[np.float32]:
    size, down, right = crop
    blocks = []
    for start in range(0, len(planes), BLOCK):
        block = planes[start : start + BLOCK].astype(np.float32)
        if size < 1:
            flat = block.reshape(-1, *block.shape[2:])
            move = np.array([[size, 0, down], [0, size, right]], np.float32)
            block = sample(flat, np.tile(move, (len(flat), 1, 1)))[0].reshape(block.shape)
        blocks.append(describe_planes(block))
    return np.concatenate(blocks)


def _best_of(
    start: int, found: NDArray[np.int32], similar: NDArray[np.float32], how: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int16]]:
    """Keep the best candidates of each scan looked up, each with its best way: (first, second, similarity, way)."""
    count, width = found.shape
    first = np.repeat(np.arange(start, start + count, dtype=np.int64), width)
    second, similarity, ways = found.ravel().astype(np.int64), similar.ravel(), how.ravel()
    other = first != second
    first, second, similarity, ways = first[other], second[other], similarity[other], ways[other]
    order = np.lexsort((ways, -similarity, second, first))
    order = order[_is_first(np.stack([first[order], second[order]], axis=1))]  # the best way of each directed pair
    order = order[np.lexsort((-similarity[order], first[order]))]
    rank = np.arange(len(order)) - np.searchsorted(first[order], first[order])
    order = order[rank < KEPT]
    return first[order], second[order], similarity[order], ways[order]


def _each_once(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    similarity: NDArray[np.float32],
    ways: NDArray[np.int16],
) -> Candidates:
    """Of a pair that was found from both sides keep the better way."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((-similarity, high, low))
    order = order[_is_first(np.stack([low[order], high[order]], axis=1))]
    pairs = np.stack([first[order], second[order]], axis=1)
    best = ways[order].astype(np.int64)
    return Candidates(pairs, best % 16, best // 16, similarity[order])


def _is_first(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the first of equal neighbours; values (n, 2)."""
    return np.concatenate([[True], (values[1:] != values[:-1]).any(axis=1)]) if len(values) else np.zeros(0, bool)
