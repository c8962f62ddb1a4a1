"""What commands say to a person."""

from __future__ import annotations

import pytest

from medres.errors import IntakeError
from pipelines import console


def test_fault_goes_to_stderr_as_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_error(IntakeError("E_GEOM_GAP", "gap 5.00 mm after slice 5 of 11"))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("E_GEOM_GAP: gap 5.00 mm after slice 5 of 11 - export the series again")


def test_brackets_of_a_value_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("labels [benign, malignant]")
    assert capsys.readouterr().out == "labels [benign, malignant]\n"


def test_table_shows_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("What", ["a", "b"], [["one", "two"], ["three", "four"]])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("What", "one", "two", "three", "four"))


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("work", 2) as advance:
        advance(1)
        advance(2, total=2, note="done")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("columns", "wide"), [(80, False), (160, True)])
def test_a_remark_stands_under_its_row_where_the_screen_is_narrow(
    columns: int, wide: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    console.listing(["key", "shape", "what"], [["a1", "2 × 3", "[one] remark"], ["b2", "4 × 5", ""]])
    shown = capsys.readouterr().out
    lines = [line.rstrip() for line in shown.splitlines()]
    assert ("a1  2×3" in lines and "    [one] remark" in lines) is not wide
    assert "[one] remark" in shown
    assert max(map(len, lines)) <= columns
