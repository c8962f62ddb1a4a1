"""Planes and digests of many scans -> twins: pairs that show the same, exactly or nearly.

Knows arrays alone. A pair is accused only after one scan was laid over the other and the fine pattern agreed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medres.datasets.alignment import WINDOW, align, correlation, likeness, sample
from medres.datasets.neighbours import CROPS, Candidates, find_candidates
from medres.datasets.planes import SIDE
from medres.datasets.stratify import connected_groups
from medres.datasets.symmetry import describe_lay, lay, lay_offset

TWIN = 0.92  # least likeness at which a pair is accused; how it was chosen: docs/datasets.md
LARGEST_MOVE = 0.3  # entries of the affine move may differ this much from none at all
LEAST_SHARED = 0.6  # share of the area that both must show
LEAST_LIT = 0.05  # share of the area that is not black in either
FULLY_TRUSTED = 0.15  # lit share from which likeness counts in full; small cut-outs are alike by chance
LEAST_TRUST = 0.92
BLACK = 2.0  # of 255: ground outside the patient, or filled in by turning; says nothing
WORTH_A_LOOK = 0.85  # correlation as a whole below which a pair is dropped
WORTH_REFINING = 0.5  # likeness from which the move is refined on the full plane
REFINEMENTS = 5  # steps of it
ALL_PAIRS = 12  # copies of one scan up to which every pair is told
COARSE = 32  # pixels of the side at which planes are aligned
CHUNK = 256  # pairs judged at once
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Twin:
    """Two scans that show the same.

    Attributes:
        first: scan number.
        second: scan number, above the first.
        kind: "exact" (the same values) or "near".
        likeness: 1 for exact ones; otherwise from the threshold to 1.
        lay: how the first must be laid to give the second, in words.
    """

    first: int
    second: int
    kind: Literal["exact", "near"]
    likeness: float
    lay: str


def find_exact(digests: Sequence[str]) -> list[Twin]:
    """Find scans with the same content: all pairs of up to 12 copies, beyond that each with the first.

    Args:
        digests: one for each scan; "" for scans that could not be read.

    Example:
        >>> [(twin.first, twin.second) for twin in find_exact(["a", "b", "a", ""])]
        [(0, 2)]
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for number, digest in enumerate(digests):
        groups[digest].append(number)
    found = []
    for digest, members in groups.items():
        if digest:
            pairs = combinations(members, 2) if len(members) <= ALL_PAIRS else ((members[0], n) for n in members[1:])
            found += [Twin(first, other, "exact", 1.0, describe_lay(0)) for first, other in pairs]
    return found


def find_near(
    planes: NDArray[np.uint8],
    native_sides: NDArray[np.int64],
    *,
    threshold: float = TWIN,
    threads: int = 1,
    on_progress: Progress | None = None,
) -> list[Twin]:
    """Find scans that show nearly the same: rescaled, recompressed, brighter, mirrored, turned, cropped, a slice apart.

    Args:
        planes: (N, P, 64, 64).
        native_sides: (N,), smaller side of the scan in pixels; below 64 likeness is judged more coarsely.
        threshold: likeness from which a pair is accused.
        threads: for search and judgement.
        on_progress: called with (pairs judged, pairs).

    Returns:
        Near twins, the most alike first.
    """
    if len(planes) < 2:
        return []
    candidates = find_candidates(planes, threads)
    scores = judge_all(planes, native_sides, candidates, threads=threads, on_progress=on_progress)
    accused = np.flatnonzero(scores >= threshold)
    return [
        _twin(candidates, number, scores[number]) for number in accused[np.argsort(-scores[accused], kind="stable")]
    ]


def judge_all(
    planes: NDArray[np.uint8],
    native_sides: NDArray[np.int64],
    candidates: Candidates,
    *,
    threads: int = 1,
    worth: float = WORTH_A_LOOK,
    on_progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Judge every pair, some at a time.

    Args:
        planes: (N, P, 64, 64).
        native_sides: (N,), smaller side of the scan in pixels.
        candidates: n pairs with lay and crop.
        threads: that judge.
        worth: correlation as a whole below which a pair is dropped.
        on_progress: called with (pairs judged, pairs).

    Returns:
        (n,) likeness; 0 for pairs that were dropped.
    """
    count = len(candidates.pairs)
    scores = np.zeros(count)
    starts = range(0, count, CHUNK)
    with ThreadPoolExecutor(threads) as pool:
        judged = pool.map(lambda start: judge(planes, native_sides, candidates, start, worth), starts)
        for start, values in zip(starts, judged, strict=True):
            scores[start : start + CHUNK] = values
            if on_progress:
                on_progress(min(count, start + CHUNK), count)
    return scores


def _twin(candidates: Candidates, number: int, score: float) -> Twin:
    first, second = (int(scan) for scan in candidates.pairs[number])
    words = describe_lay(int(candidates.lays[number]))
    return Twin(min(first, second), max(first, second), "near", round(float(score), 4), words)


def judge(
    planes: NDArray[np.uint8],
    native_sides: NDArray[np.int64],
    candidates: Candidates,
    start: int,
    worth: float = WORTH_A_LOOK,
) -> NDArray[np.float64]:
    """Lay the first of each pair over the second and judge their likeness.

    Args:
        planes: (N, P, 64, 64).
        native_sides: (N,), smaller side of the scan in pixels.
        candidates: pairs with lay and crop.
        start: the first pair of the chunk.
        worth: correlation as a whole below which a pair is dropped.

    Returns:
        (chunk,) likeness; 0 where the move would be too large or too little is shared.
    """
    pairs = candidates.pairs[start : start + CHUNK]
    lays, crops = candidates.lays[start : start + CHUNK], candidates.crops[start : start + CHUNK]
    fixed = planes[pairs[:, 1]].astype(np.float32)  # (B, P, n, n)
    laid = (lay(planes[scan], int(number)) for scan, number in zip(pairs[:, 0], lays, strict=True))
    moving = np.stack(list(laid)).astype(np.float32)
    guess = np.stack([_crop_move(CROPS[crop], int(number)) for crop, number in zip(crops, lays, strict=True)])
    middle = fixed.shape[1] // 2
    moves, hopeful = _lay_over(fixed, moving, guess, worth)
    scores = np.zeros(len(pairs))
    if hopeful.any():
        sides = native_sides[pairs[hopeful]].min(axis=1)
        window = WINDOW * max(1.0, SIDE / max(1, int(sides.min())))
        scores[hopeful] = _score(fixed[hopeful], moving[hopeful], moves[hopeful], window)
    close = scores >= WORTH_REFINING
    if close.any():
        finer = align(fixed[close, middle], moving[close, middle], moves[close], REFINEMENTS)
        scores[close] = np.maximum(scores[close], _score(fixed[close], moving[close], finer, window))
    return scores


def _lay_over(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], guess: NDArray[np.float32], worth: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Align middle planes; hopeful are the pairs whose move is small and that agree as a whole."""
    middle = fixed.shape[1] // 2
    coarse_fixed, coarse_moving = _halve(fixed[:, middle]), _halve(moving[:, middle])
    moves = align(coarse_fixed, coarse_moving, guess)
    warped, inside = sample(coarse_moving, moves)
    near = np.abs(moves - np.eye(2, 3, dtype=np.float32)).max(axis=(1, 2)) <= LARGEST_MOVE
    return moves, near & (correlation(warped, coarse_fixed, inside) >= worth)


def _crop_move(crop: tuple[float, float, float], number: int) -> NDArray[np.float32]:
    size = crop[0]
    down, right = lay_offset(crop[1:], number)
    return np.array([[size, 0, down], [0, size, right]], np.float32)


def _halve(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    step = planes.shape[-1] // COARSE
    return np.asarray(planes.reshape(len(planes), COARSE, step, COARSE, step).mean((2, 4)))


def _score(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], moves: NDArray[np.float32], window: float
) -> NDArray[np.float64]:
    scores = np.zeros(len(fixed))
    for plane in range(fixed.shape[1]):
        target = fixed[:, plane]
        warped, inside = sample(moving[:, plane], moves)
        shared = inside * (warped > BLACK) * (target > BLACK)
        enough = (inside.mean((1, 2)) >= LEAST_SHARED) & (shared.mean((1, 2)) >= LEAST_LIT)
        lit = shared.mean((1, 2))
        trust = LEAST_TRUST + (1 - LEAST_TRUST) * np.minimum(1, lit / FULLY_TRUSTED)
        scores += np.where(enough, trust * likeness(warped, target, shared, window), 0)
    return np.asarray(scores / fixed.shape[1])


def group_twins(count: int, twins: Sequence[Twin]) -> NDArray[np.int64]:
    """Number the groups that twins make.

    Args:
        count: of scans.
        twins: among them.

    Returns:
        (count,) group numbers; a scan without a twin is alone in its own.

    Example:
        >>> group_twins(4, [Twin(0, 2, "exact", 1.0, "as it is")]).tolist()
        [0, 1, 0, 2]
    """
    keys: list[list[object]] = [[("scan", number)] for number in range(count)]
    for twin in twins:
        keys[twin.second].append(("scan", twin.first))
    return connected_groups(keys)  # type: ignore[arg-type]
