"""Planes are laid over each other and judged by their fine pattern."""

from __future__ import annotations

import numpy as np

from medres.datasets.alignment import align, correlation, likeness, normalise, sample
from tests.medres.datasets.pictures import textured

START = np.eye(2, 3, dtype=np.float32)[None]


def plane(seed: int) -> np.ndarray:
    return np.asarray(textured(seed, 64), np.float32)[None]


def test_no_move_gives_the_plane_back() -> None:
    values, inside = sample(plane(0), START)
    assert np.abs(values - plane(0))[:, 1:-1, 1:-1].max() < 1e-2
    assert inside.all()


def test_a_known_move_is_found() -> None:
    angle = np.deg2rad(4)
    move = np.array([[[np.cos(angle) * 0.97, -np.sin(angle), 0.03], [np.sin(angle), np.cos(angle), -0.04]]], np.float32)
    moved, _ = sample(plane(1), move)
    found = align(moved, plane(1), START, iterations=20)
    assert np.abs(found - move).max() < 0.01


def test_brightness_and_contrast_do_not_matter() -> None:
    ones = np.ones_like(plane(2))
    assert likeness(plane(2), plane(2) * 0.7 + 20, ones)[0] > 0.99
    assert np.allclose(normalise(plane(2), ones), normalise(plane(2) * 3, ones), atol=1e-2)


def test_different_patterns_in_one_outline_are_not_alike() -> None:
    ones = np.ones_like(plane(3))
    assert correlation(plane(3), plane(4), ones)[0] > 0.5
    assert likeness(plane(3), plane(4), ones)[0] < 0.7


def test_flat_planes_are_like_nothing() -> None:
    flat = np.full((1, 64, 64), 9, np.float32)
    assert likeness(flat, plane(5), np.ones_like(flat))[0] == 0
    assert np.isfinite(align(flat, flat, START)).all()
