"""Raw bytes of elements: numbers, words, and refusals that repeat no text."""

from __future__ import annotations

import pytest

from medres.errors import IntakeError
from medres.io.values import clock, count_of, first_number, numbers, required_count, stored_value, word, words


def test_read_words_and_strip_their_padding() -> None:
    assert word(b"1.2.840\0") == "1.2.840"
    assert word(None) == ""
    assert words(b"ORIGINAL\\ PRIMARY \\\\M ") == ("ORIGINAL", "PRIMARY", "", "M")


@pytest.mark.parametrize("raw", [b"Doe^Jane", b"1_0 ", b"nan ", b"inf", b"1e999 ", b"0x10", b"1\\\\2 "])
def test_refuse_what_is_no_finite_number_and_repeat_no_text(raw: bytes) -> None:
    with pytest.raises(IntakeError, match="E_HEADER_VALUE: RescaleSlope must be") as fault:
        numbers(raw, "RescaleSlope")
    assert "Doe" not in str(fault.value)


def test_absent_and_empty_are_none() -> None:
    assert numbers(None, "PixelSpacing", 2) is None
    assert numbers(b"  ", "PixelSpacing", 2) is None
    assert count_of(b"", "<", "Rows") is None
    assert stored_value(None, "<", False) is None


def test_refuse_a_wrong_count_and_a_wrong_length() -> None:
    with pytest.raises(IntakeError, match="must be 2 numbers, got 3"):
        numbers(b"1\\2\\3 ", "PixelSpacing", 2)
    with pytest.raises(IntakeError, match="must be one short number, got 4 bytes"):
        count_of(b"\0\0\0\0", "<", "Rows")
    with pytest.raises(IntakeError, match="must be a positive number, got 0"):
        required_count(b"\0\0", "<", "Rows")
    with pytest.raises(IntakeError, match="must be a positive number, got none"):
        required_count(None, "<", "Rows")


def test_read_stored_values_in_either_order_sign_and_spelling() -> None:
    assert stored_value(b"\xf8\x30", ">", True) == -2000
    assert stored_value(b"\x30\xf8", "<", False) == 63536
    assert stored_value(b"-2000 ", "<", True) == -2000
    assert stored_value(b"\0\0\1\0", "<", False) == 65536


def test_elements_that_nothing_depends_on_never_refuse() -> None:
    assert first_number(b"WIDE") is None
    assert clock(b"20200101", b"noon") is None
    later, sooner = clock(b"20200102", b"000001"), clock(b"20200101", b"235959.9")
    assert later is not None
    assert sooner is not None
    assert later > sooner
