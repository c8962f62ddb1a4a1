"""Groups into parts, as balanced as they allow."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medres.datasets.stratify import _distance, assign_parts, connected_groups


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(10, 16)), min_size=1, max_size=30))
def test_rows_that_share_a_key_share_a_group(keys: list[tuple[int, int]]) -> None:
    groups = connected_groups(keys)
    for a, group_a in zip(keys, groups, strict=True):
        for b, group_b in zip(keys, groups, strict=True):
            if set(a) & set(b):
                assert group_a == group_b


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=40), st.integers(0, 9))
def test_same_seed_same_parts(counts: list[tuple[int, int]], seed: int) -> None:
    table = np.array(counts) + 1
    once = assign_parts(table, (0.6, 0.2, 0.2), seed)
    assert (once == assign_parts(table, (0.6, 0.2, 0.2), seed)).all()
    assert set(once) == {0, 1, 2}


def test_single_scans_are_shared_out_exactly() -> None:
    counts = np.eye(2, dtype=np.int64)[np.arange(100) % 10 // 8]
    parts = assign_parts(counts, (0.6, 0.2, 0.2), seed=1)
    held = np.zeros((3, 2), int)
    np.add.at(held, parts, counts)
    assert held.tolist() == [[48, 12], [16, 4], [16, 4]]


def test_hundred_thousand_groups_in_seconds() -> None:
    counts = np.random.default_rng(0).integers(0, 3, (100_000, 4))
    start = time.perf_counter()
    parts = assign_parts(counts, (0.2,) * 5, seed=0)
    assert time.perf_counter() - start < 20
    assert np.ptp(np.bincount(parts, counts.sum(axis=1))) < 50


def test_few_uneven_groups_come_close_to_the_best_there_is() -> None:
    generator = np.random.default_rng(0)
    shares, distances = (0.6, 0.2, 0.2), []
    for _ in range(40):
        counts = np.zeros((7, 2), np.int64)
        counts[np.arange(7), [0, 1, 0, 1, 0, 1, generator.integers(2)]] = generator.integers(1, 12, 7)
        target = np.outer(shares, counts.sum(axis=0))
        best = min(_distance(np.array(parts), counts, target) for parts in product(range(3), repeat=7))
        found = _distance(assign_parts(counts, shares, seed=0), counts, target)
        assert found[0] == best[0]
        distances.append(found[1] / max(best[1], 0.1))
    assert np.mean(np.array(distances) < 1.001) >= 0.8
    assert np.median(distances) < 1.001
