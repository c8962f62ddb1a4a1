"""The chain of seals: every way to tamper is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medres.errors import StoreError
from medres.io.privacy import SiteKey
from medres.review.trail import FIRST_SEAL, Entry, Head, read_head, seal, trail_key, verify

KEY = trail_key(SiteKey(b"k" * 32))


def make_trail(count: int = 5, key: bytes = KEY) -> list[Entry]:
    entries, before = [], FIRST_SEAL
    for number in range(1, count + 1):
        plain = Entry(number, f"2026-01-0{number}T00:00:00+00:00", "local", "final_reading", "s-1", {"n": number})
        entries.append(replace(plain, seal=seal(key, before, plain)))
        before = entries[-1].seal
    return entries


def test_an_untouched_trail_verifies_and_gives_its_head():
    entries = make_trail()
    assert verify(entries, KEY) == Head(5, entries[-1].seal)
    assert verify([], KEY) == Head(0, FIRST_SEAL)


@pytest.mark.parametrize(
    "change",
    [{"at": "2026-02-01T00:00:00+00:00"}, {"reader": "x"}, {"kind": "revealed"}, {"study": "s-2"}, {"body": {"n": 9}}],
)
def test_a_changed_entry_is_found_by_its_number(change):
    entries = make_trail()
    entries[2] = replace(entries[2], **change)
    with pytest.raises(StoreError, match="E_REVIEW_TRAIL: entry 3 was changed"):
        verify(entries, KEY)


def test_a_removed_entry_is_found():
    entries = make_trail()
    del entries[1]
    with pytest.raises(StoreError, match="entry 2 is missing"):
        verify(entries, KEY)


def test_an_entry_removed_and_the_rest_numbered_anew_is_found():
    entries = make_trail()
    del entries[1]
    entries = [replace(entry, number=n) for n, entry in enumerate(entries, start=1)]
    with pytest.raises(StoreError, match="entry 2 was changed"):
        verify(entries, KEY)


def test_a_cut_trail_is_found_with_its_head_only():
    entries = make_trail()
    head = verify(entries, KEY)
    assert verify(entries[:3], KEY).count == 3
    with pytest.raises(StoreError, match="ends after 3 entries, the head that was given has 5"):
        verify(entries[:3], KEY, head)


def test_a_trail_that_grew_still_holds_its_older_head():
    entries = make_trail()
    assert verify(entries, KEY, Head(3, entries[2].seal)).count == 5


def test_a_trail_written_anew_does_not_hold_the_older_head():
    head = verify(make_trail(3), KEY)
    other = make_trail(5)
    other[2] = replace(other[2], body={"n": 0})
    other[2] = replace(other[2], seal=seal(KEY, other[1].seal, other[2]))
    with pytest.raises(StoreError, match="not the one of the head"):
        verify(other[:3], KEY, head)


def test_another_site_key_cannot_make_or_verify_a_trail():
    with pytest.raises(StoreError, match="entry 1 was changed, or stands under another site key"):
        verify(make_trail(key=trail_key(SiteKey(b"x" * 32))), KEY)


def test_the_trails_key_is_not_the_sites():
    assert KEY != b"k" * 32


def test_a_head_is_read_back_and_anything_else_refused():
    head = Head(7, "ab" * 32)
    assert read_head(f" {head}\n") == head
    for text in ("", "7", "7-xyz", "-1-" + "a" * 64):
        with pytest.raises(StoreError, match="E_REVIEW_HEAD"):
            read_head(text)
