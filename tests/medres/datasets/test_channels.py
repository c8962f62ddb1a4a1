"""Sequences of one study become one row, or the study is refused with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.channels import SingleSequence, find_channel, join_channels, read_channels
from medres.datasets.found import Found
from medres.datasets.rows import CHANNEL, ManifestRow
from medres.errors import StoreError


def one(study: str, channel: str, label: str = "a", series: str = "") -> SingleSequence:
    extra = {"series": series} if series else {}
    return SingleSequence(study, channel, ManifestRow(0, study, {CHANNEL: Path(study) / channel}, label, extra=extra))


def test_sequences_of_a_study_become_one_row_in_the_order_asked_for() -> None:
    rows, refusals, count = join_channels([one("s", "flair", series="k1"), one("s", "t1c", "", "k2")], ["t1c", "flair"])
    assert (len(rows), refusals, count) == (1, [], 1)
    assert list(rows[0].paths) == ["t1c", "flair"]
    assert rows[0].label == "a"
    assert [rows[0].series_of(channel) for channel in rows[0].paths] == ["k2", "k1"]
    assert rows[0].series == ""


@pytest.mark.parametrize(
    ("sequences", "code"),
    [
        ([one("s", "t1c")], "E_CHANNEL_MISSING"),
        ([one("s", "t1c"), one("s", "flair"), one("s", "flair")], "E_SERIES_AMBIGUOUS"),
        ([one("s", "t1c", "a"), one("s", "flair", "b")], "E_MANIFEST_LABEL"),
        ([one("s", "t1c", ""), one("s", "flair", "")], "E_MANIFEST_LABEL"),
    ],
)
def test_refuse_studies_that_make_no_row(sequences: list[SingleSequence], code: str) -> None:
    rows, refusals, _ = join_channels(sequences, ["t1c", "flair"])
    assert rows == []
    assert [refusal.code for refusal in refusals] == [code]


def test_patterns_are_searched_for_whatever_the_capitals() -> None:
    patterns = read_channels("t1c=T1.{1,3}(gd|post),flair=FLAIR")
    assert find_channel(Found(Path(), description="t1 GD ax"), patterns) == "t1c"
    assert find_channel(Found(Path(), description="Ax T2 Flair"), patterns) == "flair"
    assert find_channel(Found(Path(), description="localizer"), patterns) == ""


@pytest.mark.parametrize("text", ["t1c", "t1c=", "=x", "a=x,a=y", "a=(", "a b=x"])
def test_refuse_channels_that_cannot_be_read(text: str) -> None:
    with pytest.raises(StoreError, match=r"E_USAGE.*--channels must"):
        read_channels(text)
