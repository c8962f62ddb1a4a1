"""Slices that lie on each other -> labels that tell volumes apart, by a time or number in the header.

Knows numbers: distances along the normal and one value per slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medres.io.grid import GAP_TOLERANCE_MM, GAP_TOLERANCE_SHARE, same_place_mm

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
WEAK = ("AcquisitionNumber", "TriggerTime", *SETTINGS, *TIMES, "File")
BY_VALUE = frozenset(WEAK) - frozenset(TIMES)  # equal values belong together
FEWEST_SLICES = 4  # two volumes of two slices


def label_volumes(attributes: Sequence[Mapping[str, float]], distances: FloatArray) -> tuple[str, list[str]]:
    """Label slices by the first attribute that makes volumes of them which lie on each other.

    Args:
        attributes: one mapping of names to values per slice.
        distances: (n,), along the normal, mm.

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
    return "", []


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
    return bool(np.abs(gaps - median).max() <= max(GAP_TOLERANCE_MM, GAP_TOLERANCE_SHARE * median))


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
