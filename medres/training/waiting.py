"""Moments of an epoch -> how much of its training the network waited for data: for a batch to be fetched and varied.

Knows a clock and nothing else. On a GPU the work is only queued, so that the share is a lower limit there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Waiting:
    """A stopwatch that stands still while the network learns.

    Args:
        clock: gives seconds.

    Example:
        >>> moments = iter([0.0, 1.0, 4.0])  # started; a batch came at 1; learnt until 4
        >>> watch = Waiting(clock=lambda: next(moments))
        >>> watch.start(), watch.fetched(), watch.learnt()
        (None, None, None)
        >>> watch.share
        0.25
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._since = self._ended = self._waited = 0.0

    def start(self) -> None:
        """Begin an epoch: the first batch is waited for."""
        self._began = self._since = self._ended = self._clock()
        self._waited = 0.0

    def fetched(self) -> None:
        """Say that a batch has come."""
        self._waited += self._clock() - self._since

    def learnt(self) -> None:
        """Say that a batch has been learnt from; the next one is waited for."""
        self._ended = self._since = self._clock()

    @contextmanager
    def varied(self) -> Iterator[None]:
        """Count the block, in which a batch is varied, as waiting."""
        start = self._clock()
        yield
        self._waited += self._clock() - start

    @property
    def seconds(self) -> float:
        """From the epoch's start to its last step."""
        return self._ended - self._began

    @property
    def share(self) -> float:
        """Share of these seconds in which the network waited; NaN before the first step."""
        return self._waited / self.seconds if self.seconds else float("nan")
