"""Ledger -> CSV, Parquet and JSON tables for other programs, whole or not at all.

Knows no scan. Columns that are internal to the ledger stay there; a text that a spreadsheet would run as a formula is
made harmless.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medres.ledger.row import EXPORTED_COLUMNS, JSON_COLUMNS, NUMBER_COLUMNS, LedgerRow
from medres.results.writing import replacing

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 1000

SCHEMA = pa.schema([(name, pa.float64() if name in NUMBER_COLUMNS else pa.string()) for name in EXPORTED_COLUMNS])


def export_csv(rows: Iterable[LedgerRow], path: Path) -> int:
    """Write rows as CSV in UTF-8.

    Args:
        rows: read one after the other.
        path: where it goes.

    Returns:
        Rows written.
    """
    count = 0
    with replacing(path, "the table of results") as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(EXPORTED_COLUMNS)
        for record in map(to_record, rows):
            table.writerow(["" if value is None else harmless(value) for value in record.values()])
            count += 1
    return count


def export_parquet(rows: Iterable[LedgerRow], path: Path) -> int:
    """Write rows as Parquet.

    Args:
        rows: read one after the other.
        path: where it goes.

    Returns:
        Rows written.
    """
    count = 0
    with replacing(path, "the table of results") as draft, pq.ParquetWriter(draft, SCHEMA) as table:
        for batch in _batches(map(to_record, rows)):
            table.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))
            count += len(batch)
    return count


def export_json(rows: Iterable[LedgerRow], path: Path) -> int:
    """Write rows as a JSON list of objects.

    Args:
        rows: read one after the other.
        path: where it goes.

    Returns:
        Rows written.
    """
    count = 0
    with replacing(path, "the table of results") as draft, draft.open("w", encoding="utf-8") as stream:
        stream.write("[")
        for row in rows:
            content = {name: getattr(row, name) for name in EXPORTED_COLUMNS}
            stream.write((",\n " if count else "\n ") + json.dumps(content, ensure_ascii=False, allow_nan=False))
            count += 1
        stream.write("\n]\n")
    return count


def to_record(row: LedgerRow) -> dict[str, Any]:
    """Flatten a row for a table: JSON columns become text.

    Args:
        row: of the ledger.

    Returns:
        By exported column name, in order.
    """
    values = {name: getattr(row, name) for name in EXPORTED_COLUMNS}
    return {name: _flat(value) if name in JSON_COLUMNS else value for name, value in values.items()}


def harmless(value: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula; numbers stay numbers.

    Args:
        value: of one cell.

    Returns:
        The same, with an apostrophe before a text that starts with one of `= + - @`, tab or return.

    Example:
        >>> harmless("=HYPERLINK(1)"), harmless(-1.5)
        ("'=HYPERLINK(1)", -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _flat(value: Any) -> str:
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""


def _batches(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(records, ROWS_AT_ONCE)):
        yield batch
