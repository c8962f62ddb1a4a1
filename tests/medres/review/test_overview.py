"""Ledger rows and readings -> the dashboard's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from medres.ledger import LedgerRow
from medres.review.decisions import Progress, Reading
from medres.review.overview import first_reading_agreement, overview_of, reader_model_agreement


def rows(count: int, day: str, score: float = 0.2, decision: str = "negative", status: str = "ok") -> list[LedgerRow]:
    probability = score if decision in ("positive", "negative", "indeterminate") else None
    return [
        LedgerRow(f"{day}-{decision}-{n}", "m", "c", status, decision=decision, probability=probability,
                  finished_at=f"{day}T08:00:00+00:00")
        for n in range(count)
    ]  # fmt: skip


def test_every_row_is_counted_once_on_its_day():
    given = [
        *rows(3, "2026-01-01"),
        *rows(1, "2026-01-01", 0.9, "positive"),
        *rows(2, "2026-01-02", decision="out_of_scope", status="out_of_scope"),
        *rows(1, "2026-01-02", decision="", status="refused"),
    ]
    seen = overview_of(given)
    assert [(one.day, one.positive, one.negative, one.out_of_scope, one.failed) for one in seen.days] == [
        ("2026-01-01", 1, 3, 0, 0),
        ("2026-01-02", 0, 0, 2, 1),
    ]
    assert (seen.flag_rate.x, seen.flag_rate.n) == (1, 4)
    assert (seen.out_of_scope.x, seen.failed.x, seen.scans) == (2, 1, 7)
    assert seen.score_drift is None


def test_scores_unlike_the_models_validation_scores_raise_an_alert():
    rng = np.random.default_rng(0)
    reference = rng.uniform(0, 0.5, 200)
    alike = [row for score in rng.uniform(0, 0.5, 200) for row in rows(1, "2026-01-01", float(score))]
    unlike = [row for score in rng.uniform(0.5, 1, 200) for row in rows(1, "2026-01-01", float(score))]
    assert not overview_of(alike, reference).score_drift.alert
    assert overview_of(unlike, reference).score_drift.alert


def test_too_few_scores_say_so_instead_of_an_alert():
    drift = overview_of(rows(3, "2026-01-01", 0.99), np.zeros(100)).score_drift
    assert drift.psi is None
    assert not drift.alert
    assert drift.reason


def test_a_flag_rate_that_jumps_in_the_newest_days_raises_an_alert():
    before = [row for n in range(10, 20) for row in rows(10, f"2026-01-{n}")]
    after = [row for n in range(20, 27) for row in rows(10, f"2026-01-{n}", 0.9, "positive")]
    assert overview_of(before + after).flag_drift.alert
    assert overview_of(before).flag_drift.alert is False
    assert overview_of(after).flag_drift is None  # nothing to hold them against


def read(first: str, final: str, said: str) -> Progress:
    model = {"model_digest": "m", "decision": said}
    return Progress(Reading("first", first, 3), Reading("final", final, 3), True, model)


def test_readers_are_held_against_the_model_that_they_saw_and_the_undecided_left_out():
    progress = {
        "a": {"x": read("positive", "positive", "positive")},
        "b": {"x": read("negative", "negative", "negative")},
        "c": {"x": read("unsure", "unsure", "positive")},
        "d": {"x": read("negative", "negative", "out_of_scope")},
    }
    kappa, undecided = reader_model_agreement(progress, "m")
    assert (kappa.value, kappa.n, undecided) == (pytest.approx(1.0), 2, 2)
    assert reader_model_agreement(progress, "other")[0].value is None


def test_first_readings_of_two_readers_are_held_against_each_other():
    progress = {
        "a": {"x": read("positive", "positive", "positive"), "y": read("negative", "positive", "positive")},
        "b": {"x": read("negative", "negative", "positive"), "y": read("negative", "positive", "positive")},
        "c": {"x": read("negative", "negative", "positive")},
    }
    assert first_reading_agreement(progress).n == 2
