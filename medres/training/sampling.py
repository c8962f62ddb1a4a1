"""Labels + seed + epoch -> the batches of that epoch, as places (scan, view).

Knows no tensor. Every epoch's order follows from (seed, epoch) alone, so that a resumed training goes on in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

Place = tuple[int, int]


class EpochBatches(Sampler[list[Place]]):
    """The batches of one epoch after another, all of nearly equal size.

    Args:
        labels: (N,), class of each scan.
        views: (N,), number of views of each scan.
        batch_size: places of a batch, about; 2 at least.
        views_per_scan: views drawn from each scan, without repetition.
        balanced: draw scans with replacement so that every class comes equally often.
        seed: of all epochs.

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
        seed: int = 0,
    ) -> None:
        self._labels, self._views = np.asarray(labels), np.asarray(views)
        self._batch_size, self._per_scan, self._balanced = batch_size, views_per_scan, balanced
        self._seed, self._epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        places = int(np.minimum(self._views, self._per_scan).sum())
        return max(1, min(round(places / self._batch_size), places // 2))

    def __iter__(self) -> Iterator[list[Place]]:
        random = np.random.default_rng([self._seed, self._epoch])
        places = [place for scan in self._draw(random) for place in self._draw_views(int(scan), random)]
        order = random.permutation(len(places))
        for part in np.array_split(order, len(self)):
            yield [places[index] for index in part]

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
