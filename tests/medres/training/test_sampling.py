"""Every epoch's batches follow from seed and epoch alone."""

from __future__ import annotations

import numpy as np

from medres.training.sampling import EpochBatches, in_order


def epoch(batches: EpochBatches, number: int) -> list[list[tuple[int, int]]]:
    batches.set_epoch(number)
    return list(batches)


def test_every_scan_comes_once_and_no_batch_is_small():
    batches = EpochBatches([0, 1] * 9 + [0], [1] * 19, batch_size=6)
    found = epoch(batches, 0)
    assert sorted(scan for batch in found for scan, _ in batch) == list(range(19))
    assert {len(batch) for batch in found} == {6, 7}
    assert len(batches) == len(found) == 3


def test_order_follows_from_seed_and_epoch():
    make = lambda seed: EpochBatches([0, 1] * 10, [1] * 20, batch_size=4, seed=seed)  # noqa: E731 - one line says it
    assert epoch(make(1), 5) == epoch(make(1), 5)
    assert epoch(make(1), 5) != epoch(make(1), 6)
    assert epoch(make(1), 5) != epoch(make(2), 5)


def test_balanced_draws_give_the_rare_class_its_share():
    labels = [0] * 90 + [1] * 10
    batches = EpochBatches(labels, [1] * 100, batch_size=10, balanced=True)
    drawn = [labels[scan] for number in range(20) for batch in epoch(batches, number) for scan, _ in batch]
    assert abs(np.mean(drawn) - 0.5) < 0.05


def test_views_are_drawn_without_repetition_and_change_with_the_epoch():
    batches = EpochBatches([0, 1, 0], [10, 2, 10], batch_size=4, views_per_scan=3)
    first, second = epoch(batches, 0), epoch(batches, 1)
    places = [place for batch in first for place in batch]
    assert len(places) == len(set(places)) == 8
    assert set(places) != {place for batch in second for place in batch}


def test_two_scans_make_one_batch():
    assert [len(batch) for batch in EpochBatches([0, 1], [1, 1], batch_size=16)] == [2]


def test_validation_sees_every_view_once_in_order():
    assert in_order([2, 1], 2) == [[(0, 0), (0, 1)], [(1, 0)]]
