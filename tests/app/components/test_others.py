"""What others read stands on the page under numbers, for who may see it."""

from __future__ import annotations

from medres.review.worklist import open_worklist
from tests.app.conftest import words


def read(start, folder, key):
    test = start(folder, page="reading", open=key)
    test.button_group[0].set_value("negative")
    next(button for button in test.button if button.label == "Record first reading").click().run()
    return words(test)


def test_a_reviewer_sees_the_reading_of_another_without_its_name_and_only_after_an_own_one(start, own_results, sign_in):
    key = open_worklist(own_results).items[0].key
    sign_in("ann@b.org")
    assert "Other readers" not in read(start, own_results, key)
    sign_in("bea@b.org")
    assert "Other readers" not in words(start(own_results, page="reading", open=key))
    told = read(start, own_results, key)
    assert "Reader 1, first: negative, confidence 3" in told
    assert "ann" not in told
