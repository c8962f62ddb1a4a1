"""Results and folders of scans -> the worklist."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from medres.errors import IntakeError, StoreError
from medres.io.nifti_writing import write_volume
from medres.ledger import Ledger, LedgerRow
from medres.review.worklist import open_worklist, read_item
from tests.results_folder import build_results
from tests.tiny_models import ct_volume


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return build_results(tmp_path_factory.mktemp("results"))


def test_the_most_suspicious_study_comes_first_and_the_unanswered_last(results):
    items = open_worklist(results).items
    told = [item.opinion.probability for item in items]
    assert told[:3] == sorted(told[:3], reverse=True)
    assert [item.status for item in items[3:]] == ["out_of_scope"]
    assert told[3] is None


def test_every_item_reads_the_scan_that_was_scored(results):
    listed = open_worklist(results)
    for item in listed.items:
        assert read_item(listed, item).origin.content_digest == item.scan_digest


def test_a_scan_that_changed_since_it_was_scored_is_refused(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    item = listed.items[0]
    write_volume(ct_volume(99), tmp_path / "scans" / item.row.relative_path)
    with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        read_item(listed, item)


def test_a_scan_that_is_gone_is_named_without_its_path(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    item = listed.items[0]
    (tmp_path / "scans" / item.row.relative_path).unlink()
    with pytest.raises(IntakeError, match="E_NOT_FOUND") as fault:
        read_item(listed, item)
    assert item.row.relative_path not in str(fault.value)


def test_two_models_make_two_items_of_one_series(tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for model in ("a", "b"):
            ledger.record(LedgerRow("ct-1", model * 64, "c" * 64, "ok", probability=0.5, decision="positive"))
    keys = [item.key for item in open_worklist(tmp_path).items]
    assert len(set(keys)) == 2
    assert all(key.startswith("ct-1.") for key in keys)


def test_a_ledger_that_does_not_know_its_scans_says_so(tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.record(LedgerRow("ct-1", "a" * 64, "c" * 64, "ok", probability=0.5))
    listed = open_worklist(tmp_path)
    with pytest.raises(StoreError, match="E_STORE_FORMAT"):
        read_item(listed, listed.items[0])


def test_a_folder_of_scans_is_listed_unscored(tmp_path):
    write_volume(ct_volume(0), tmp_path / "a.nii.gz")
    listed = open_worklist(tmp_path)
    assert [item.status for item in listed.items] == ["unscored"]
    np.testing.assert_array_equal(read_item(listed, listed.items[0]).shape, (32, 32, 24))


def test_refused_series_are_listed_and_not_opened(tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.record(LedgerRow("ct-1", "a" * 64, "c" * 64, "refused", code="E_GEOM_GAP", message="a gap of 5 mm"))
    listed = open_worklist(tmp_path)
    assert not listed.items[0].readable
    with pytest.raises(IntakeError, match="E_GEOM_GAP: a gap of 5 mm"):
        read_item(listed, listed.items[0])
