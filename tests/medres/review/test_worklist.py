"""Results and folders of scans -> the worklist."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace

import pytest

from medres.io.nifti_writing import write_volume
from medres.ledger import Ledger, LedgerRow
from medres.review.worklist import by_arrival, open_worklist
from tests.results_folder import build_results
from tests.tiny_models import ct_volume


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return build_results(tmp_path_factory.mktemp("results"))


def test_the_most_suspicious_study_comes_first_and_the_unanswered_last(results):
    items = open_worklist(results).items
    told = [item.opinion.probability for item in items]
    assert told[:3] == sorted(told[:3], reverse=True)
    assert [item.status for item in items[3:]] == ["out_of_scope", "refused"]
    assert told[3] is None


def test_the_order_of_arrival_tells_nothing_of_what_models_said(tmp_path):
    rows = [("x", 0.2, "ok", "2026-01-02"), ("y", 0.9, "ok", "2026-01-03"), ("z", 0.5, "ok", "2026-01-01")]
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for number, (key, score, status, day) in enumerate([*rows, ("w", None, "refused", "2026-01-01")]):
            ledger.record(LedgerRow(key, "a" * 64, f"{number}" * 64, status, probability=score))
            _set_day(ledger, number, day)
    listed = open_worklist(tmp_path)
    assert [item.key for item in listed.items] == ["y", "z", "x", "w"]
    assert [item.key for item in by_arrival(listed).items] == ["z", "x", "y", "w"]


def test_two_models_make_two_opinions_of_one_item_the_most_suspicious_first(tmp_path):
    rows = [("a", 0.5, "2026-01-01"), ("b", 0.75, "2026-01-02"), ("b", 0.25, "2026-01-01")]
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for number, (model, score, day) in enumerate(rows):
            row = LedgerRow("ct-1", model * 64, f"{number}" * 64, "ok", probability=score, model_name=model)
            ledger.record(row)
            _set_day(ledger, number, day)
    listed = open_worklist(tmp_path)
    (item,) = listed.items
    assert [(said.model_name, said.probability) for said in item.opinions] == [("b", 0.75), ("a", 0.5)]
    assert item.opinion is item.opinions[0]
    assert item.opinion_of("a" * 64).probability == 0.5
    assert listed.models == {"a" * 64: "a", "b" * 64: "b"}


def test_folders_that_scored_the_same_scans_make_one_worklist(results, tmp_path):
    other = tmp_path / "other"
    place = os.path.relpath(results.parent / "scans", other)
    with closing(Ledger(other / "ledger.sqlite")) as ledger:
        ledger.set_fact("folder", place)
        for item in open_worklist(results).items:
            row = replace(item.row, model_digest="b" * 64, probability=0.999, status="ok", model_name="other")
            ledger.record(row)
    listed = open_worklist([results, other, results.parent / "scans"])
    assert len(listed.items) == len(open_worklist(results).items)
    assert all(item.opinion.model_name == "other" and len(item.opinions) == 2 for item in listed.items)
    assert listed.scans_folder == (results.parent / "scans").resolve()
    assert all(item.series is not None for item in listed.items)


def test_the_same_name_in_two_folders_stays_two_scans(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        write_volume(ct_volume(len(place)), tmp_path / place / "a.nii.gz")
    keys = [item.key for item in open_worklist([tmp_path / "one", tmp_path / "two"]).items]
    assert len(keys) == len(set(keys)) == 2


def test_a_folder_of_scans_is_listed_unscored(tmp_path):
    write_volume(ct_volume(0), tmp_path / "a.nii.gz")
    listed = open_worklist(tmp_path)
    assert [item.status for item in listed.items] == ["unscored"]


def _set_day(ledger: Ledger, number: int, day: str) -> None:
    """Let a row look as if it had been scored on another day."""
    ledger._base.execute("UPDATE series SET finished_at = ? WHERE configuration_digest = ?", (day, f"{number}" * 64))
