"""Who reads, and what that person may see."""

from __future__ import annotations

import pytest

from app import state
from medres.review.decisions import Reading
from medres.review.worklist import open_worklist
from tests.app.conftest import words


def press(test, label):
    next(button for button in test.button if button.label == label).click().run()


@pytest.fixture
def item(results):
    return open_worklist(results).items[0]


def first_reading(start, own_results, item, finding: str):
    test = start(own_results, page="reading", open=item.key)
    test.button_group[0].set_value(finding)
    press(test, "Record first reading")
    return test


def test_without_a_people_file_there_is_one_local_reader_who_may_do_everything(start, results):
    start(results)
    assert state.reader() == "local"
    assert state.person().oversees


def test_each_reader_keeps_an_own_name_in_the_trail(start, own_results, item, sign_in):
    for email in ("ann@b.org", "Bea@b.org"):
        sign_in(email)
        first_reading(start, own_results, item, "positive")
    readers = [entry.reader for entry in state.review_store().entries(kinds=("first_reading",))]
    assert readers == ["ann@b.org", "bea@b.org"]


def test_a_second_reader_sees_nothing_of_the_first_before_an_own_reading(start, own_results, item, sign_in):
    sign_in("ann@b.org")
    first_reading(start, own_results, item, "positive")
    sign_in("bea@b.org")
    test = start(own_results, page="reading", open=item.key)
    assert "Other readers" not in words(test)
    test.button_group[0].set_value("negative")
    press(test, "Record first reading")
    assert "Reader 1, first: positive" in words(test)
    assert "ann" not in words(test)


def test_a_reader_never_sees_the_readings_of_others(start, own_results, item, sign_in):
    sign_in("bea@b.org")
    first_reading(start, own_results, item, "positive")
    sign_in("ann@b.org")
    test = first_reading(start, own_results, item, "negative")
    assert "Other readers" not in words(test)
    assert state.others(item) == ()
    assert state.all_readers() == {}


def test_a_study_on_which_readers_differ_stands_as_discordant_for_the_reviewer_alone(start, own_results, item, sign_in):
    for email, finding in (("ann@b.org", "positive"), ("bea@b.org", "negative")):
        sign_in(email)
        test = first_reading(start, own_results, item, finding)
        state.record(state.study(item), Reading("final", finding, 3), None)
    test = start(own_results)
    assert test.dataframe[0].value["Reading"].tolist()[0] == "discordant"
    sign_in("ann@b.org")
    assert start(own_results).dataframe[0].value["Reading"].tolist()[0] == "read"


def test_whoever_is_not_named_sees_no_study(start, results, sign_in):
    sign_in("mallory@b.org")
    test = start(results)
    assert len(test.dataframe) == 0
    assert "may not read here" in words(test)
