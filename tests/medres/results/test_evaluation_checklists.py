"""Every item of the guidelines is answered by a section that is there, or left to the authors."""

from __future__ import annotations

from medres.results.evaluation_checklists import SECTIONS, build_checklists


def test_items_are_complete_and_numbered_as_published():
    lists = build_checklists(set(SECTIONS.values()))
    assert [item.number for item in lists["CLAIM 2024"]] == [str(n) for n in range(1, 45)]
    assert lists["TRIPOD+AI"][-1].number == "27"
    assert sum(item.number == "AI" for item in lists["STARD-AI"]) == 8


def test_a_section_that_is_missing_answers_nothing():
    assert not any(item.sections for items in build_checklists(set()).values() for item in items)
