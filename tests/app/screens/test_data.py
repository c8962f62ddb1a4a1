"""The data page."""

from __future__ import annotations

import json

from tests.app.conftest import words
from tests.medres.review.test_documents import EVALUATION


def test_evaluations_and_manifests_beside_the_results_are_shown(start, own_results):
    (own_results.parent / "evaluation.json").write_text(json.dumps(EVALUATION))
    (own_results / "manifest.csv").write_text("patient_id,path,label\nJane,a.nii,lesion\n")
    test = start(own_results, page="data")
    assert not test.exception
    told = words(test)
    for fact in ("Lesion against none", "20 (10 with lesion)", "Manifests", "1 lesion"):
        assert fact in told
    assert "Jane" not in told
    assert test.dataframe[0].value["Value"].tolist()[0] == 0.9


def test_without_any_the_page_says_what_writes_them(start, tmp_path):
    assert "medres evaluate" in words(start(tmp_path, page="data"))
