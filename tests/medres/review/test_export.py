"""Readings -> a manifest for the next training, and agreement."""

from __future__ import annotations

import json
import shutil

import pytest

from medres.datasets.manifest import read_manifest
from medres.errors import StoreError
from medres.review.decisions import Progress, Reading
from medres.review.export import agreement_report, export_manifest
from medres.review.worklist import open_worklist
from tests.phantoms_dicom import renewed, save, save_ct
from tests.results_folder import build_results


def read(finding: str, first: str = "", decision: str = "positive") -> Progress:
    early = Reading("first", first, 3) if first else None
    return Progress(early, Reading("final", finding, 4, seconds=5.0), True, {"decision": decision})


def test_agreed_readings_become_rows_with_the_models_own_labels(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    keys = [item.key for item in listed.items]
    progress = {
        keys[0]: {"a": read("positive"), "b": read("positive")},
        keys[1]: {"a": read("positive"), "b": read("negative")},
        keys[2]: {"a": read("negative")},
        keys[3]: {"a": read("unsure")},
        "gone": {"a": read("positive")},
    }
    done = export_manifest(listed, progress, tmp_path / "out" / "manifest.csv")
    assert (done.rows, done.unsure, done.disputed, done.unknown, done.without_patient) == (2, 1, 1, 1, 2)
    manifest = read_manifest(tmp_path / "out" / "manifest.csv")
    assert [row.label for row in manifest.rows] == ["tumour", "benign"]
    assert all(row.modality == "CT" for row in manifest.rows)


def test_a_series_of_a_shared_folder_is_named_in_the_manifest(tmp_path):
    scans = tmp_path / "scans"
    slices = save_ct(scans)
    save(renewed(slices), scans, start=100)
    listed = open_worklist(scans)
    assert len(listed.items) == 2
    progress = {item.key: {"a": read("positive", decision="")} for item in listed.items}
    export_manifest(listed, progress, tmp_path / "manifest.csv")
    rows = read_manifest(tmp_path / "manifest.csv").rows
    assert sorted(row.series for row in rows) == sorted(item.series_key for item in listed.items)


def test_nothing_agreed_is_one_sentence(tmp_path):
    listed = open_worklist(build_results(tmp_path))
    with pytest.raises(StoreError, match="E_REVIEW_EMPTY"):
        export_manifest(listed, {listed.items[0].key: {"a": read("unsure")}}, tmp_path / "manifest.csv")
    assert not (tmp_path / "manifest.csv").exists()
    shutil.rmtree(tmp_path / "scans")


def test_agreement_counts_the_model_the_change_of_mind_and_the_other_reader():
    progress = {
        "1": {"a": read("positive", "negative"), "b": read("positive")},
        "2": {"a": read("negative", "negative"), "b": read("positive")},
        "3": {"a": read("negative", decision="negative")},
        "4": {"a": Progress(first=Reading("first", "positive", 2))},
    }
    told = agreement_report(progress)
    mine = told["readers"]["a"]
    assert mine["final_readings"] == 3
    assert (mine["with_the_model"]["n"], mine["with_the_model"]["agreed"]) == (3, 2)
    assert mine["changed_after_the_model_was_shown"] == 1
    assert (told["pairs"][0]["n"], told["pairs"][0]["agreed"]) == (2, 1)
    json.dumps(told)


def test_agreement_without_a_final_reading_is_one_sentence():
    with pytest.raises(StoreError, match="E_REVIEW_EMPTY"):
        agreement_report({"1": {"a": Progress()}})
