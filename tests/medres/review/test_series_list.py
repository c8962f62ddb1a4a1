"""What the list of series says, without anything that a person typed."""

from __future__ import annotations

import json

import pytest

from medres.io.heading import Heading
from medres.review.beside import Beside, series_beside
from medres.review.series_list import describe_reformatted, describe_series, detail_of, group_of, title_of
from medres.review.worklist import WorklistItem, open_worklist
from tests.study_folder import build_study

ITEM = WorklistItem("k", "k", "unscored", "MR", warnings=("W_TILT",))


def test_title_and_detail_name_plane_part_number_times_and_contrast():
    heading = Heading(number=3, plane="axial", body_part="BRAIN", repetition_ms=500.0, echo_ms=12.0, contrast=True)
    one = Beside(ITEM, heading)
    assert title_of(one) == "MR axial brain"
    assert detail_of(one) == "series 3, TR 500 TE 12, contrast"
    assert detail_of(Beside(ITEM)) == ""


@pytest.mark.parametrize(
    ("days", "words"), [(184, "184 days before"), (1, "1 day before"), (0, "same day"), (None, "date not given")]
)
def test_a_prior_says_how_long_before_it_was(days, words):
    assert group_of(Beside(ITEM, prior=True, days_before=days)) == f"Prior, {words}"


@pytest.mark.parametrize(
    ("days", "words"), [(-184, "184 days after"), (-1, "1 day after"), (0, "same day"), (None, "date not given")]
)
def test_a_later_study_says_how_long_after_it_was(days, words):
    one = Beside(ITEM, later=True, days_before=days)
    assert group_of(one) == f"Later study, {words}"
    entry = describe_series(one, subject=False)
    assert (entry["later"], entry["prior"], entry["opens"]) == (True, False, False)


def test_a_warned_series_says_why_in_words_and_a_reformatted_one_says_what_it_is():
    entry = describe_series(Beside(ITEM), subject=True)
    assert entry["verdict"] == "warned"
    assert "gantry" in entry["warnings"][0]
    other = describe_reformatted(Beside(ITEM))
    assert (other["key"], other["title"], other["opens"]) == ("k~axes", "Reformatted to patient axes", False)


def test_a_refused_series_is_listed_with_its_reason_once_and_cannot_be_shown(tmp_path):
    listed = open_worklist(build_study(tmp_path))
    item = next(item for item in listed.items if item.readable and item.modality == "CT")
    told = [describe_series(one, subject=False, thumb="/t") for one in series_beside(listed, item)]
    refused = [one for one in told if one["verdict"] == "refused"]
    for one in refused:
        assert one["reason"].count("E_GEOM_GAP") == 1
        assert (one["readable"], one["thumb"]) == (False, "")
    text = json.dumps(told)
    assert not any(canary in text for canary in ("Doe", "CANARY", "MRN", "2020"))
