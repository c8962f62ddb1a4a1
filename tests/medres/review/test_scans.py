"""Items of the worklist -> scans, or the reason why not."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from medres.errors import IntakeError, StoreError
from medres.io.nifti_writing import write_volume
from medres.ledger import Ledger, LedgerRow
from medres.review.scans import read_item
from medres.review.worklist import open_worklist
from medres.scoring.batch import ScoringOptions, score_folder
from tests.results_folder import build_results
from tests.tiny_models import ct_volume, tiny_ct_model


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return build_results(tmp_path_factory.mktemp("results"))


def test_every_item_reads_the_scan_that_was_scored(results):
    listed = open_worklist(results)
    for item in listed.items[:4]:
        assert read_item(item).origin.content_digest == item.scan_digest
    with pytest.raises(IntakeError, match="E_NIFTI_HEADER"):
        read_item(listed.items[4])


def test_a_scan_that_changed_since_it_was_scored_is_refused(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    item = listed.items[0]
    write_volume(ct_volume(99), tmp_path / "scans" / item.row.relative_path)
    with pytest.raises(IntakeError, match="E_INPUT_CHANGED"):
        read_item(item)


def test_a_scan_that_is_gone_is_named_without_its_path(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    item = listed.items[0]
    (tmp_path / "scans" / item.row.relative_path).unlink()
    with pytest.raises(IntakeError, match="E_NOT_FOUND") as fault:
        read_item(item)
    assert item.row.relative_path not in str(fault.value)


def test_a_ledger_that_does_not_know_its_scans_says_so(tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.record(LedgerRow("ct-1", "a" * 64, "c" * 64, "ok", probability=0.5))
    listed = open_worklist(tmp_path)
    with pytest.raises(StoreError, match="E_STORE_FORMAT"):
        read_item(listed.items[0])


def test_refused_series_are_listed_and_not_opened(tmp_path):
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.record(LedgerRow("ct-1", "a" * 64, "c" * 64, "refused", code="E_GEOM_GAP", message="a gap of 5 mm"))
    listed = open_worklist(tmp_path)
    assert not listed.items[0].readable
    with pytest.raises(IntakeError, match="E_GEOM_GAP: a gap of 5 mm"):
        read_item(listed.items[0])


def test_a_scan_of_a_folder_is_read_as_it_is(tmp_path):
    write_volume(ct_volume(0), tmp_path / "a.nii.gz")
    assert read_item(open_worklist(tmp_path).items[0]).shape == (32, 32, 24)


def test_a_scan_that_was_scored_by_a_chosen_frame_is_read_by_it_again(tmp_path):
    (tmp_path / "scans").mkdir()
    write_volume(ct_volume(0), tmp_path / "scans" / "a.nii")
    _let_the_forms_disagree(tmp_path / "scans" / "a.nii")
    model, out = tiny_ct_model(tmp_path / "model"), tmp_path / "results"
    score_folder(tmp_path / "scans", model, out, ScoringOptions(modality="CT", nifti_frame="sform"))
    (item,) = open_worklist(out).items
    assert item.status in ("ok", "warned"), item.message
    assert read_item(item).origin.content_digest == item.scan_digest


def _let_the_forms_disagree(path) -> None:
    """Move the qform by 50 mm; the sform stays."""
    content = bytearray(path.read_bytes())
    content[268:272] = (np.frombuffer(content[268:272], "<f4") + 50).astype("<f4").tobytes()  # qoffset_x
    path.write_bytes(content)
