"""Slices that lie on each other -> labels that tell volumes apart, by a time or number in the header.

Knows numbers: distances along the normal and one value per slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medres.io.grid import gap_tolerance, same_place_mm

FloatArray = NDArray[np.float64]

SETTINGS = (
    "SeriesNumber",
    "TubeVoltage",
    "Kernel",
    "Contrast",
    "Sequence",
    "Protocol",
    "SeriesDescription",
    "RepetitionTime",
    "InversionTime",
    "FlipAngle",
    "FieldOfView",
    "SliceThickness",
)  # of `Facts.settings`: one value for all slices of a volume
TIMES = ("AcquisitionDateTime", "AcquisitionTime", "ContentTime")  # differ within a volume; only their order counts
WEAK = ("AcquisitionNumber", "TriggerTime", "FrameReferenceTime", *SETTINGS, *TIMES, "File")
BY_VALUE = frozenset(WEAK) - frozenset(TIMES)  # equal values belong together
FEWEST_SLICES = 4  # two volumes of two slices
MOST_PASSES = 32
TOUCHING_SHARE = 0.95  # SliceThickness of the distance between slices, from which on they leave nothing out


def label_volumes(
    attributes: Sequence[Mapping[str, float]],
    distances: FloatArray,
    *,
    moves_on: bool = False,
    thickness_mm: float | None = None,
) -> tuple[str, list[str]]:
    """Label slices by the first attribute that makes volumes of them which lie on each other.

    Args:
        attributes: one mapping of names to values per slice.
        distances: (n,), along the normal, mm.
        moves_on: the scanner takes slices in their order (CT); False: it may take every second one first (MR).
        thickness_mm: of a slice; None where it is not known.

    Returns:
        (name, one label per slice); ("", []) where the slices are one volume.

    Example:
        >>> label_volumes([{"TriggerTime": t} for t in (0, 9, 0, 9)], np.array([0.0, 0.0, 2.0, 2.0]))[0]
        'TriggerTime'
    """
    for name in WEAK if len(attributes) >= FEWEST_SLICES else ():
        labels = _labels([one.get(name) for one in attributes], distances, name in BY_VALUE)
        if labels:
            return name, labels
    name = next((name for name in TIMES if all(name in one for one in attributes)), "")
    labels = _passes(np.array([one[name] for one in attributes]), distances, moves_on, thickness_mm) if name else []
    return (name, labels) if labels else ("", [])


def _labels(values: Sequence[float | None], distances: FloatArray, by_value: bool) -> list[str]:
    """Label slices by one attribute, where it makes volumes that lie on each other."""
    if any(value is None for value in values) or len(set(values)) == 1:
        return []
    numbers = np.array(values, float)
    return (_overlapping(numbers, distances) if by_value else []) or _by_rank(numbers, distances)


def _overlapping(values: FloatArray, distances: FloatArray) -> list[str]:
    """Label by equal values where each makes a stack of its own and the stacks overlap.

    A value that wanders through one even stack (the repetition time of a gated scan) is none that makes volumes.
    """
    stacks, whole = [np.sort(distances[values == value]) for value in np.unique(values)], np.sort(distances)
    near = same_place_mm(whole)
    if any(len(stack) < 2 or np.diff(stack).min() <= near for stack in stacks):
        return []
    if _is_even(whole) and not all(map(_is_even, stacks)):
        return []
    lows, highs = [s[0] for s in stacks], [s[-1] for s in stacks]
    order = np.argsort(lows)
    apart = all(highs[a] < lows[b] for a, b in pairwise(order))
    return [] if apart else [f"{value:.6f}" for value in values]


def _is_even(stack: FloatArray) -> bool:
    """Tell whether sorted slices lie at equal distances."""
    gaps = np.diff(stack)
    median = float(np.median(gaps))
    return bool(np.abs(gaps - median).max() <= gap_tolerance(median))


def _by_rank(values: FloatArray, distances: FloatArray) -> list[str]:
    """Label by rank at each place, where every place has as many slices and the ranks do not mix."""
    order = np.argsort(distances, kind="stable")
    near = same_place_mm(distances[order])
    breaks = np.flatnonzero(np.diff(distances[order]) > near) + 1
    places = np.split(order, breaks)
    copies = len(places[0])
    if copies < 2 or len(places) < 2 or any(len(place) != copies for place in places):
        return []
    ranked = np.stack([place[np.argsort(values[place], kind="stable")] for place in places])  # (places, copies)
    times = values[ranked]
    if (times[:, :-1].max(axis=0) >= times[:, 1:].min(axis=0)).any():
        return []
    labels = np.empty(len(values), int)
    labels[ranked] = np.arange(copies)
    return [f"{label:06d}" for label in labels]


def _passes(times: FloatArray, distances: FloatArray, moves_on: bool, thickness_mm: float | None) -> list[str]:
    """Label slices by the pass over the body that took them, where times prove that there were several.

    Each pass is an even stack, all at one distance, ends before the next begins, and lies on another. One scan that
    takes every second slice first looks the same, but for its slices: they are too thin to fill such a stack.
    """
    if len(times) < FEWEST_SLICES or len(set(times)) == 1:
        return []
    order = np.argsort(times, kind="stable")
    placed, near = distances[order], same_place_mm(np.sort(distances))
    steps = np.diff(placed)
    if (steps >= 0).all() or (steps <= 0).all():  # the usual scan
        return []
    for cuts in _cuts(times[order]):
        gap = _gap_of_passes(placed, cuts, near)
        if gap and (moves_on or (thickness_mm or 0.0) >= TOUCHING_SHARE * gap):
            labels = np.empty(len(times), int)
            labels[order] = np.searchsorted(cuts, np.arange(len(times)), side="right")
            return [f"{label:06d}" for label in labels]
    return []


def _cuts(times: FloatArray) -> Iterator[NDArray[np.intp]]:
    """Give the ways to cut sorted times: at the longest pauses, and into passes of equally many slices."""
    pauses = np.diff(times)
    longest = np.argsort(-pauses, kind="stable")
    for count in range(2, min(MOST_PASSES, len(times) // 2) + 1):
        equal = np.arange(1, count) * (len(times) // count)
        for cuts in (np.sort(longest[: count - 1]) + 1, *([equal] if len(times) % count == 0 else [])):
            if (pauses[cuts - 1] > 0).all():
                yield cuts


def _gap_of_passes(placed: FloatArray, cuts: NDArray[np.intp], near: float) -> float:
    """Give the distance between the slices of passes that lie on each other; 0 where these are no such passes.

    Args:
        placed: (n,), distances in the order of time, mm.
        cuts: where all passes but the first begin.
        near: slices closer than this lie on each other, mm.
    """
    starts = np.concatenate(([0], cuts))
    lows, highs = np.minimum.reduceat(placed, starts), np.maximum.reduceat(placed, starts)
    meets = (lows[:, None] <= highs) & (lows <= highs[:, None])
    if (meets.sum(axis=1) == 1).any():
        return 0.0
    stacks = [np.sort(stack) for stack in np.split(placed, cuts)]
    if any(len(stack) < 2 or np.diff(stack).min() <= near or not _is_even(stack) for stack in stacks):
        return 0.0
    gaps = np.array([np.median(np.diff(stack)) for stack in stacks])
    same = np.ptp(gaps) <= gap_tolerance(float(gaps.min()))
    return float(np.median(gaps)) if same else 0.0
