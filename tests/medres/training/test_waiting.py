"""The stopwatch counts fetching and varying as waiting, and the rest of an epoch's training as learning."""

from __future__ import annotations

import math

import pytest

from medres.training.waiting import Waiting


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_fetching_and_varying_are_waiting_and_the_rest_is_learning():
    clock = Clock()
    watch = Waiting(clock)
    watch.start()
    for fetch, vary, learn in ((1.0, 0.5, 3.0), (0.5, 0.5, 2.5)):
        clock.now += fetch
        watch.fetched()
        with watch.varied():
            clock.now += vary
        clock.now += learn
        watch.learnt()
    clock.now += 100.0  # validation is neither
    assert watch.seconds == pytest.approx(8.0)
    assert watch.share == pytest.approx(2.5 / 8.0)


def test_a_new_epoch_begins_at_nothing_and_has_no_share_before_its_first_step():
    clock = Clock()
    watch = Waiting(clock)
    watch.start()
    clock.now += 1.0
    watch.fetched()
    watch.learnt()
    watch.start()
    assert watch.seconds == 0.0
    assert math.isnan(watch.share)
