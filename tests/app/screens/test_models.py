"""The model page."""

from __future__ import annotations

from tests.app.conftest import words


def test_the_model_page_shows_use_points_and_that_it_is_a_phantoms_model(start, results):
    test = start(results, page="models")
    assert not test.exception
    told = words(test)
    for fact in ("tiny 1.0", "Tests of medres", "Anything else", "synthetic phantoms", "Apache"):
        assert fact in told
    assert test.dataframe[0].value["Name"].tolist() == ["balanced (default)", "sensitive"]


def test_without_a_model_the_page_says_how_to_get_one(start):
    assert "--model MODEL" in words(start(page="models"))


def test_a_damaged_model_is_one_sentence(start, results, tmp_path):
    (tmp_path / "trained_model.json").write_text("{")
    test = start(results, tmp_path, page="models")
    assert not test.exception
    assert "E_MODEL" in words(test)
