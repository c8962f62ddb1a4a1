"""CSV as spreadsheets save it."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.table import Table, format_table, name_rows, read_table
from medres.errors import DatasetError


def test_numbers_are_those_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n3,4\n')
    assert [number for number, _ in read_table(path).rows] == [2, 4]


def test_written_table_reads_the_same(tmp_path: Path) -> None:
    rows = [("ä", 'say "x"'), ("1;2", "a,b")]
    (tmp_path / "t.csv").write_text(format_table(("one", "two"), rows))
    assert [cells for _, cells in read_table(tmp_path / "t.csv").rows] == rows


def test_refuse_uneven_rows_by_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n1\n1,2,3\n")
    with pytest.raises(DatasetError, match="2 cells, got others in rows 3, 4"):
        read_table(tmp_path / "t.csv")


def test_refuse_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(DatasetError, match="E_MANIFEST_FORMAT"):
            read_table(path)


def test_one_row_is_singular() -> None:
    assert name_rows([7, 7]) == "row 7"


def test_a_header_alone_is_a_table_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n")
    assert read_table(tmp_path / "t.csv", may_be_empty=True) == Table(("a", "b"), ())
    with pytest.raises(DatasetError, match="E_MANIFEST_EMPTY"):
        read_table(tmp_path / "t.csv")
