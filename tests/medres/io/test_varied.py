"""Slices that lie on each other: which attribute tells the volumes apart."""

from __future__ import annotations

import numpy as np
import pytest

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


def passes(times: list[float], distances: np.ndarray, **known: object) -> list[list[int]]:
    found = label_volumes([{"AcquisitionTime": time} for time in times], distances, **known)[1]  # type: ignore[arg-type]
    return [[n for n, label in enumerate(found) if label == kind] for kind in sorted(set(found))]


@pytest.mark.parametrize("shift", [1.25, 0.6, 7.5, 8.75])  # interleaved evenly and not, overlapping in part
@pytest.mark.parametrize("times", [[*range(6), *range(100, 106)], [1.0] * 6 + [2.0] * 6, [*range(12)]])
def test_two_passes_of_a_ct_are_told_apart_by_times_alone(times: list[float], shift: float) -> None:
    there_and_back = np.concatenate([HEIGHTS, HEIGHTS[::-1] + shift])
    again = np.concatenate([HEIGHTS, HEIGHTS + shift])
    for distances in (again, there_and_back):
        assert passes(times, distances, moves_on=True) == [[*range(6)], [*range(6, 12)]]


def test_three_passes_are_told_apart_by_times_alone() -> None:
    distances = np.concatenate([HEIGHTS, HEIGHTS + 0.8, HEIGHTS + 1.7])
    assert passes([*range(18)], distances, moves_on=True) == [[*range(6)], [*range(6, 12)], [*range(12, 18)]]


@pytest.mark.parametrize("times", [[*range(12)], [*range(12, 0, -1)], [n // 2 for n in range(12)], [5.0] * 12])
def test_times_that_follow_the_slices_are_one_volume(times: list[float]) -> None:
    assert passes(times, np.arange(12) * 1.25, moves_on=True, thickness_mm=5.0) == []


def test_two_stations_in_a_row_are_one_volume() -> None:
    times = [*range(6), *range(100, 106)]
    assert passes(times, np.concatenate([HEIGHTS, HEIGHTS + 15.0]), moves_on=True) == []
    assert passes(times, np.concatenate([HEIGHTS + 15.0, HEIGHTS]), moves_on=True) == []


def test_every_second_slice_first_is_one_volume_unless_slices_fill_both_stacks() -> None:
    times, distances = [*range(12)], np.concatenate([HEIGHTS, HEIGHTS + 1.25])
    assert passes(times, distances, thickness_mm=1.25) == []
    assert passes(times, distances) == []
    assert passes(times, distances, thickness_mm=2.5) == [[*range(6)], [*range(6, 12)]]


def test_an_even_stack_with_a_slice_missing_is_not_two_passes() -> None:
    times, distances = [*range(11)], np.concatenate([HEIGHTS, HEIGHTS[:-1] + 1.25])
    distances[7:] += 1.25  # one of the second half was lost
    assert passes(times, distances, thickness_mm=1.25) == []
