"""The page of an evaluation: one file, every section, nothing fetched, header texts escaped."""

from __future__ import annotations

import re
from dataclasses import replace

from medres.evaluation.cases import Threshold, build_cases
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import summarise
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


def test_cards_and_tables_say_how_many_cases_stand_behind_a_number():
    evaluation, setting = example()
    text, cases = page(), evaluation.cases
    assert f"{cases.n} scans, {cases.n_positive} {setting.positive}" in text
    assert "95 % CI" in text.split('<div class="cards">')[1].split("</div>\n</div>")[0]
    sensitivity = evaluation.points[evaluation.default].rates["sensitivity"]
    assert f"{sensitivity.x} of {sensitivity.n}" in text
    assert "None/" not in text


def test_a_page_of_one_class_says_why_numbers_are_missing():
    setting = example()[1]
    cases = build_cases([1, 1, 1], [0.2, 0.6, 0.9])
    alone = summarise(cases, [Threshold("stated", 0.5, "stated", "stated beforehand")], plan=Resampling(5))
    text = build_evaluation_html(alone, replace(setting, worst_case={}), {})
    assert "no negative case" in text
    assert "None/" not in text
