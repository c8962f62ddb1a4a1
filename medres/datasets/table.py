"""CSV bytes, as spreadsheets save them -> a header and numbered rows.

Knows encodings, line ends and separators; knows no column by meaning except that `label` must be among them. A row's
number is the one a spreadsheet shows: the header is row 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medres.errors import DatasetError

SEPARATORS = (",", ";", "\t")
NAMED_ROWS = 12  # numbers spelt out in a message
FIELD_LIMIT = 1 << 20  # characters of one cell


@dataclass(frozen=True)
class Table:
    """A table as it stands in the file.

    Attributes:
        columns: names, stripped.
        rows: (row number, cells), cells stripped and as many as columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def name_rows(numbers: Iterable[int]) -> str:
    """Spell row numbers for a message.

    Args:
        numbers: row numbers.

    Example:
        >>> name_rows([4, 2])
        'rows 2, 4'
        >>> name_rows(range(2, 102))[-11:]
        'and 88 more'
    """
    ordered = sorted(set(numbers))
    text = ", ".join(map(str, ordered[:NAMED_ROWS]))
    more = f" and {len(ordered) - NAMED_ROWS} more" if len(ordered) > NAMED_ROWS else ""
    return f"{'row' if len(ordered) == 1 else 'rows'} {text}{more}"


def read_table(path: Path, *, may_be_empty: bool = False) -> Table:
    """Read a CSV: UTF-8 with or without BOM, any line ends, comma, semicolon or tab.

    Args:
        path: the file.
        may_be_empty: a header alone is a table too.

    Returns:
        The table; empty lines are left out but counted.

    Raises:
        DatasetError: `E_MANIFEST_FORMAT`, `E_MANIFEST_COLUMN` or `E_MANIFEST_EMPTY`, with rows by number.
    """
    records = _parse(_decode(path))
    if not records:
        raise DatasetError("E_MANIFEST_EMPTY", "the file must hold a header and rows, got nothing")
    columns = tuple(cell.strip() for cell in records[0][1])
    _check_columns(columns)
    rows = tuple((number, tuple(cell.strip() for cell in cells)) for number, cells in records[1:])
    uneven = [number for number, cells in rows if len(cells) != len(columns)]
    if uneven:
        raise DatasetError(
            "E_MANIFEST_FORMAT", f"each row must have {len(columns)} cells, got others in {name_rows(uneven)}"
        )
    if not rows and not may_be_empty:
        raise DatasetError("E_MANIFEST_EMPTY", "the manifest must hold rows under its header, got 0")
    return Table(columns, rows)


def _decode(path: Path) -> str:
    try:
        blob = path.read_bytes()
    except OSError:
        raise DatasetError("E_MANIFEST_FORMAT", "the manifest must be a readable file", "check the path") from None
    if b"\x00" in blob:
        raise DatasetError("E_MANIFEST_FORMAT", "the manifest must be text in UTF-8, got zero bytes")
    try:
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = blob[: error.start].count(b"\n") + 1
        raise DatasetError(
            "E_MANIFEST_FORMAT", f"the manifest must be UTF-8, got another encoding in row {row}"
        ) from None


def _parse(text: str) -> list[tuple[int, list[str]]]:
    header = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=header.count)  # decided by the header alone, the comma first among equals
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                records.append((number, cells))
    except csv.Error:
        row = reader.line_num
        raise DatasetError(
            "E_MANIFEST_FORMAT", f"quotes must be closed and cells short, got otherwise near row {row}"
        ) from None
    return records


def _check_columns(columns: Sequence[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DatasetError("E_MANIFEST_COLUMN", f"columns must differ, got {twice[0]!r} twice", "rename or remove one")


def format_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Write a table as CSV text with plain line ends.

    Args:
        columns: names.
        rows: cells of each row.

    Returns:
        CSV text.

    Example:
        >>> format_table(["a", "b"], [["1", "x,y"]])
        'a,b\n1,"x,y"\n'
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
