"""Sections of the benchmarks' page."""

from __future__ import annotations

from benchmarks.page import write_section


def test_a_section_is_replaced_and_what_others_wrote_stays(tmp_path):
    page = tmp_path / "page.md"
    write_section(page, "one", "first\n")
    write_section(page, "two", "| a |")
    write_section(page, "one", r"second \1")
    assert page.read_text() == (
        "# Benchmarks\n\n<!-- one -->\nsecond \\1\n<!-- end of one -->\n\n<!-- two -->\n| a |\n<!-- end of two -->\n"
    )
