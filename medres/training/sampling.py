"""Labels + seed + epoch -> the batches of that epoch, as places (scan, view).

Knows no tensor. Every epoch's order follows from (seed, epoch) alone, so that a resumed training goes on in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from medres.training.processes import my_place, shard

Place = tuple[int, int]


class OrderedBatches(Sampler[list[Place]]):
    """Every view of every scan once, for validation; of several processes each takes its own batches.

    Args:
        views: (N,), number of views of each scan.
        batch_size: places of a batch.

    Example:
        >>> list(OrderedBatches([1, 2], 2))
        [[(0, 0), (1, 0)], [(1, 1)]]
    """

    def __init__(self, views: Sequence[int], batch_size: int) -> None:
        self.batches = in_order(views, batch_size)

    def __len__(self) -> int:
        return len(shard(self.batches))

    def __iter__(self) -> Iterator[list[Place]]:
        yield from shard(self.batches)


class EpochBatches(Sampler[list[Place]]):
    """The batches of one epoch after another, all of nearly equal size.

    Args:
        labels: (N,), class of each scan.
        views: (N,), number of views of each scan.
        batch_size: places of a batch, about; 2 at least.
        views_per_scan: views drawn from each scan, without repetition.
        balanced: draw scans with replacement so that every class comes equally often.
        together: all views of a scan stand in one batch.
        seed: of all epochs.

    Of several processes each takes its own part of every batch.

    Example:
        >>> batches = EpochBatches([0, 1, 0, 1, 0], [1] * 5, batch_size=2)
        >>> [len(batch) for batch in batches]
        [3, 2]
    """

    def __init__(
        self,
        labels: Sequence[int],
        views: Sequence[int],
        *,
        batch_size: int,
        views_per_scan: int = 1,
        balanced: bool = False,
        together: bool = False,
        seed: int = 0,
    ) -> None:
        self._labels, self._views = np.asarray(labels), np.asarray(views)
        self._batch_size, self._per_scan, self._balanced = batch_size, views_per_scan, balanced
        self._seed, self._epoch, self._together = seed, 0, together

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        places = int(np.minimum(self._views, self._per_scan).sum())
        units = len(self._views) if self._together else places
        return max(1, min(round(places / self._batch_size), units // 2))

    def __iter__(self) -> Iterator[list[Place]]:
        random = np.random.default_rng([self._seed, self._epoch])
        bags = [self._draw_views(int(scan), random) for scan in self._draw(random)]
        units = bags if self._together else [[place] for bag in bags for place in bag]
        order = random.permutation(len(units))
        rank, count = my_place()
        for part in np.array_split(order, len(self)):
            yield [place for index in part[rank::count] for place in units[index]]

    def _draw(self, random: np.random.Generator) -> np.ndarray:
        """Give the scans of this epoch."""
        count = len(self._labels)
        if not self._balanced:
            return np.arange(count)
        share = 1.0 / np.bincount(self._labels)[self._labels]
        return random.choice(count, size=count, p=share / share.sum())

    def _draw_views(self, scan: int, random: np.random.Generator) -> list[Place]:
        """Give some views of one scan."""
        available = int(self._views[scan])
        chosen = random.choice(available, size=min(available, self._per_scan), replace=False)
        return [(scan, int(view)) for view in chosen]


def in_order(views: Sequence[int], batch_size: int) -> list[list[Place]]:
    """Give every view of every scan once, for validation.

    Args:
        views: (N,), number of views of each scan.
        batch_size: places of a batch.

    Returns:
        Batches of places.
    """
    places = [(scan, view) for scan, count in enumerate(views) for view in range(count)]
    return [places[start : start + batch_size] for start in range(0, len(places), batch_size)]


def mix_seeds(*numbers: int) -> int:
    """Make one seed of several numbers, such as seed, epoch and batch.

    Args:
        numbers: from 0.

    Returns:
        A seed that differs wherever they differ.

    Example:
        >>> mix_seeds(1, 2) == mix_seeds(1, 2), mix_seeds(1, 2) == mix_seeds(2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
