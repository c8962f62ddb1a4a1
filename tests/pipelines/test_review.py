"""`medres review verify` and `medres review export`."""

from __future__ import annotations

import json
import sqlite3
import stat

import pytest

from medres.errors import StoreError
from medres.io.privacy import load_site_key
from medres.review.decisions import Reading, record_reading
from medres.review.store import ReviewStore
from medres.review.worklist import open_worklist
from pipelines import review
from tests.results_folder import build_results


@pytest.fixture
def results(tmp_path):
    folder = build_results(tmp_path)
    store = ReviewStore(folder / "review.sqlite", load_site_key())
    for item in open_worklist(folder).items[:3]:
        reading = Reading("final", "positive", 4, "agree")
        record_reading(store, "local", item.key, reading, said=item.opinion, scan_digest=item.scan_digest)
    store.close()
    return folder


def test_verify_prints_the_head_and_finds_what_was_cut_since(results, capsys):
    assert review.run("verify", store=str(results), head=None, key_file=None) == 0
    head = capsys.readouterr().out.split("head: ")[1].strip()
    with sqlite3.connect(results / "review.sqlite") as base:
        base.execute("DROP TRIGGER no_delete")
        base.execute("DELETE FROM trail WHERE number = 3")
    assert review.run("verify", store=str(results), head=None, key_file=None) == 0
    with pytest.raises(StoreError, match="E_REVIEW_TRAIL: the trail ends after 2 entries"):
        review.run("verify", store=str(results), head=head, key_file=None)


def test_export_writes_manifest_and_agreement(results, tmp_path, capsys):
    assert review.run("export", store=str(results), folder=None, out=tmp_path / "readings", key_file=None) == 0
    report = json.loads((tmp_path / "readings" / "agreement.json").read_text())
    assert report["readers"]["local"]["final_readings"] == 3
    assert stat.S_IMODE((tmp_path / "readings" / "manifest.csv").stat().st_mode) == 0o600
    assert "3 scans" in capsys.readouterr().out


def test_a_trail_that_does_not_verify_is_not_exported(results, tmp_path):
    with sqlite3.connect(results / "review.sqlite") as base:
        base.execute("DROP TRIGGER no_update")
        base.execute("UPDATE trail SET reader = 'someone'")
    with pytest.raises(StoreError, match="E_REVIEW_TRAIL"):
        review.run("export", store=str(results), folder=None, out=tmp_path / "readings", key_file=None)
    assert not (tmp_path / "readings").exists()


def test_looking_for_a_store_makes_none(tmp_path):
    with pytest.raises(StoreError, match="E_REVIEW_EMPTY"):
        review.run("verify", store=str(tmp_path), head=None, key_file=None)
    assert list(tmp_path.iterdir()) == []
