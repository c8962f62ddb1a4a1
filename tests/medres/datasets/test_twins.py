"""Copies are found, however they were made; different scans are not accused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medres.datasets.twins import TWIN, find_exact, find_near, group_twins
from tests.medres.datasets.pictures import COPIES, textured

COUNT = 20


def planes_of(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(p.resize((64, 64), Image.Resampling.BILINEAR))[None] for p in pictures])


def near(pictures: list[Image.Image]) -> set[tuple[int, int]]:
    twins = find_near(planes_of(pictures), np.full(len(pictures), 96))
    assert all(twin.likeness >= TWIN for twin in twins)
    return {(twin.first, twin.second) for twin in twins}


@pytest.mark.parametrize("name", COPIES)
def test_copy_is_found_and_nothing_else_is_accused(name: str) -> None:
    pictures = [textured(seed) for seed in range(COUNT)]
    copies = [COPIES[name](picture) for picture in pictures[:10]]
    found = near(pictures + copies)
    planted = {(n, COUNT + n) for n in range(10)}
    assert len(found & planted) >= 9
    assert found <= planted


def test_different_pictures_are_not_accused() -> None:
    assert near([textured(seed) for seed in range(60)]) == set()


def test_blank_pictures_are_no_near_twins() -> None:
    assert near([Image.fromarray(np.full((64, 64), grey, np.uint8)) for grey in (0, 10, 200)]) == set()


def test_neighbouring_slices_of_a_volume_are_told_from_other_patients() -> None:
    def volume(seed: int) -> np.ndarray:
        return np.concatenate([planes_of([textured(seed * 3 + n)]) for n in range(3)], axis=1)

    volumes = np.concatenate([volume(seed) for seed in range(8)])
    noisy = np.clip(volumes[:1].astype(int) + np.random.default_rng(0).integers(-6, 7, volumes[:1].shape), 0, 255)
    twins = find_near(np.concatenate([volumes, noisy.astype(np.uint8)]), np.full(9, 64))
    assert [(twin.first, twin.second) for twin in twins] == [(0, 8)]


def test_exact_copies_make_every_pair_up_to_a_dozen_and_a_star_beyond() -> None:
    assert len(find_exact(["a"] * 3)) == 3
    assert len(find_exact(["a"] * 100)) == 99
    assert find_exact(["", ""]) == []


def test_groups_join_chains() -> None:
    twins = find_exact(["a", "b", "a", "b", "c"])
    assert group_twins(5, twins).tolist() == [0, 1, 0, 1, 2]
