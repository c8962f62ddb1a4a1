"""Slices that lie on each other: which attribute tells the volumes apart."""

from __future__ import annotations

import numpy as np

from medres.io.varied import label_volumes

HEIGHTS = np.arange(6) * 2.5


def labels(values: list[float], distances: np.ndarray, name: str = "AcquisitionNumber") -> list[list[int]]:
    """Group indices by label."""
    found = label_volumes([{name: value} for value in values], distances)[1]
    return [[n for n, label in enumerate(found) if label == kind] for kind in sorted(set(found))]


def test_equal_numbers_belong_together() -> None:
    assert labels([1] * 6 + [2] * 6, np.tile(HEIGHTS, 2)) == [[*range(6)], [*range(6, 12)]]


def test_volumes_between_each_others_slices_are_told_apart() -> None:
    assert labels([1] * 6 + [2] * 6, np.concatenate([HEIGHTS, HEIGHTS + 1.25])) == [[*range(6)], [*range(6, 12)]]


def test_step_and_shoot_is_one_volume() -> None:
    assert labels([1, 1, 2, 2, 3, 3], HEIGHTS) == []
    assert labels([1, 2, 3, 4, 5, 6], HEIGHTS) == []


def test_a_value_that_wanders_through_one_even_stack_is_one_volume() -> None:
    assert labels([8, 8, 9, 8, 9, 9], HEIGHTS, "RepetitionTime") == []
    assert labels([8, 9, 8, 9, 8, 9], HEIGHTS, "RepetitionTime") == [[0, 2, 4], [1, 3, 5]]


def test_times_are_ordered_at_each_place() -> None:
    times = [n * 0.5 for n in range(6)] + [10 + n * 0.5 for n in range(6)]
    assert labels(times, np.tile(HEIGHTS, 2), "AcquisitionTime") == [[*range(6)], [*range(6, 12)]]


def test_times_that_mix_tell_nothing_apart() -> None:
    times = [0, 9, 1, 8, 2, 7, 3, 6, 4, 5, 5.5, 4.5]
    assert labels(times, np.tile(HEIGHTS, 2), "AcquisitionTime") == []


def test_places_with_unequal_counts_tell_nothing_apart() -> None:
    assert labels([0] * 6 + [9], np.append(HEIGHTS, HEIGHTS[2]), "AcquisitionTime") == []


def test_a_value_that_is_missing_somewhere_tells_nothing_apart() -> None:
    attributes = [{"AcquisitionNumber": 1.0}] * 6 + [{}] * 6
    assert label_volumes(attributes, np.tile(HEIGHTS, 2)) == ("", [])
