"""What chance alone reaches: much where scans look alike, little where they do not."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from medres.datasets.chance import chance_likeness
from medres.datasets.twins import TWIN
from tests.medres.datasets.pictures import textured

SIDES = np.full(40, 64)


def planes(shared: float) -> np.ndarray:
    """Forty pictures that have a share of one pattern in common."""
    common = np.asarray(textured(1000, 64), float)
    own = np.stack([np.asarray(textured(seed, 64), float) for seed in range(40)])
    return (shared * common + (1 - shared) * own).astype(np.uint8)[:, None]


def test_pictures_of_their_own_reach_little_by_chance() -> None:
    assert 0 < chance_likeness(planes(0.0), SIDES) < TWIN


def test_pictures_that_look_alike_raise_the_bar() -> None:
    assert chance_likeness(planes(0.75), SIDES) > TWIN
    assert chance_likeness(planes(0.75), SIDES) > chance_likeness(planes(0.4), SIDES)


def test_copies_among_the_drawn_pairs_do_not_raise_it() -> None:
    own = planes(0.0)
    own[:8] = own[0]
    assert chance_likeness(own, SIDES) < TWIN


def test_too_few_or_blank_pictures_say_nothing() -> None:
    assert chance_likeness(planes(0.0)[:4], SIDES[:4]) == 0.0
    assert chance_likeness(np.zeros((40, 1, 64, 64), np.uint8), SIDES) == 0.0


def test_same_seed_same_answer() -> None:
    smooth = gaussian_filter(np.random.default_rng(0).normal(size=(90, 64, 64)), (0, 2, 2))
    many = np.clip(128 + 300 * smooth, 3, 255).astype(np.uint8)[:, None]
    assert chance_likeness(many, np.full(90, 64)) == chance_likeness(many, np.full(90, 64), threads=2)
