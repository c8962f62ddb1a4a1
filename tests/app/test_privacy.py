"""Scans full of names, driven through every page: none of them on any, nor in the report."""

from __future__ import annotations

import pytest

from app import state
from medres.review.key_images import KeyImage
from medres.review.worklist import open_worklist
from medres.scoring.batch import score_folder
from tests.app.conftest import words
from tests.canary import WORDS, build_canary_scan, write_canary_series
from tests.tiny_models import tiny_ct_model


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    root = tmp_path_factory.mktemp("place")
    write_canary_series(root / "in", build_canary_scan(1), 1)
    score_folder(root / "in", tiny_ct_model(root / "model"), root / "results")
    return root / "results"


def everything(test) -> str:
    """All that a page sends to the browser."""
    tables = " ".join(table.value.to_csv() for table in test.dataframe)
    return (words(test) + tables + str(test.main) + str(test.query_params)).lower()


@pytest.mark.parametrize("page", ["worklist", "reading", "models", "data", "dashboard"])
def test_no_page_names_the_patient_the_staff_or_the_place(start, scored, page):
    key = open_worklist(scored).items[0].key
    test = start(scored, page=page, open=key, scores_shown=True)
    assert not test.exception
    told = everything(test)
    assert [word for word in WORDS if word in told] == []


def test_a_folder_of_scans_is_listed_without_names_too(start, scored):
    told = everything(start(scored.parent / "in", page="worklist"))
    assert [word for word in WORDS if word in told] == []


def test_the_report_names_nobody(start, scored):
    start(scored, page="worklist")
    item = open_worklist(scored).items[0]
    state.keep_key_image(item, KeyImage(item.key, "axial", 1, 40.0, 400.0))
    page = state.reading_page(state.reading_report(state.study(item))).decode().lower()
    assert [word for word in WORDS if word in page] == []
