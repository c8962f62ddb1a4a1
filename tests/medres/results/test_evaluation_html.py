"""The page of an evaluation: one file, every section, nothing fetched, header texts escaped."""

from __future__ import annotations

import re

from medres.results.evaluation_html import TITLES, build_evaluation_html
from tests.medres.results.evaluation_example import example, example_plots


def page() -> str:
    evaluation, setting = example()
    return build_evaluation_html(evaluation, setting, example_plots())


def test_every_section_every_plot_and_the_words_that_must_stand_there():
    text = page()
    for anchor in TITLES:
        if anchor != "classes":
            assert f'id="{anchor}"' in text, anchor
    assert text.count("data:image/svg+xml;base64,") == 9
    assert "Research use only. Not a medical device" in text
    assert "Trained on synthetic phantoms" in text
    assert "E_TRUNCATED" in text


def test_nothing_is_fetched_and_texts_are_escaped():
    text = page()
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", text)
    assert "<script" not in text
    assert "<b>a" not in text
    assert "&lt;b&gt;a" in text


def test_links_of_the_checklists_lead_to_sections_that_are_there():
    text = page()
    for anchor in set(re.findall(r'href="#([a-z]+)"', text)):
        assert f'id="{anchor}"' in text
