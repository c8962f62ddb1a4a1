"""LedgerRow <-> SQLite: one row per series, model and configuration; claims with a lease let two runs share the work.

Knows no scan and no network. WAL with full flushing: a row that was recorded outlives kill -9 and a power cut.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from medres.errors import StoreError
from medres.ledger.owner import Owner, is_alive
from medres.ledger.row import COLUMNS, JSON_COLUMNS, KEY_COLUMNS, NUMBER_COLUMNS, LedgerRow
from medres.results.writing import refused

SCHEMA_VERSION = 1
LEASE_SECONDS = 120.0  # a claim whose owner cannot be asked (another machine) ends after this
BUSY_SECONDS = 30.0  # how long one run waits for another's transaction

_KEY = ", ".join(f"{name} TEXT NOT NULL" for name in KEY_COLUMNS)
_OTHERS = ", ".join(f"{name} {'REAL' if name in NUMBER_COLUMNS else 'TEXT'}" for name in COLUMNS[len(KEY_COLUMNS) :])
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS series ({_KEY}, {_OTHERS}, PRIMARY KEY ({", ".join(KEY_COLUMNS)}));
CREATE TABLE IF NOT EXISTS claim ({_KEY}, owner TEXT NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY ({", ".join(KEY_COLUMNS)}));
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_WHERE_KEY = " AND ".join(f"{name} = ?" for name in KEY_COLUMNS)
Key = tuple[str, str, str]


class Ledger:
    """The rows of one results folder.

    Args:
        path: SQLite file; made with mode 600 when absent.

    Raises:
        StoreError: E_STORE_FORMAT for a file that is no ledger, E_DISK_FULL, E_WRITE, E_STORE_LOCKED.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp()) / "ledger.sqlite"
        >>> with closing(Ledger(place)) as ledger:
        ...     ledger.record(LedgerRow("ct-1", "a" * 64, "b" * 64, "ok", probability=0.25))
        ...     [row.probability for row in ledger.rows()]
        [0.25]
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with _plainly():
            _make_private(self.path)
            self._base = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._base.row_factory = sqlite3.Row
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(SCHEMA)
            self._add_columns()
        self._check_version()

    def _add_columns(self) -> None:
        """Give a ledger of an older version the columns that came since; its rows have nothing there."""
        there = {row["name"] for row in self._base.execute("PRAGMA table_info(series)")}
        for name in COLUMNS:
            if name not in there:
                kind = "REAL" if name in NUMBER_COLUMNS else "TEXT"
                self._base.execute(f"ALTER TABLE series ADD COLUMN {name} {kind}")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def _check_version(self) -> None:
        known = self.fact("schema_version")
        if known is None:
            self.set_fact("schema_version", str(SCHEMA_VERSION))
        elif known != str(SCHEMA_VERSION):
            raise StoreError("E_STORE_FORMAT", f"the ledger's schema must be {SCHEMA_VERSION}, got {known}")

    def fact(self, name: str) -> str | None:
        """Read a fact about the whole ledger.

        Args:
            name: such as "folder".

        Returns:
            Its value, or None.
        """
        with _plainly():
            row = self._base.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Write a fact about the whole ledger.

        Args:
            name: such as "folder".
            value: text.
        """
        with self._transaction():
            self._base.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def claim(self, key: Key, owner: Owner, *, stale: bool = False) -> bool:
        """Take a series for one run, unless it is done or another run that lives has it.

        Args:
            key: `LedgerRow.key`.
            owner: the run.
            stale: True takes it although a row stands there (its files changed since).

        Returns:
            Whether it is this run's now.
        """
        with self._transaction():
            if not stale and self._base.execute(f"SELECT 1 FROM series WHERE {_WHERE_KEY}", key).fetchone():
                return False
            held = self._base.execute(f"SELECT owner, expires FROM claim WHERE {_WHERE_KEY}", key).fetchone()
            if held and held["owner"] != str(owner) and _holds(held):
                return False
            values = (*key, str(owner), time.time() + LEASE_SECONDS)
            self._base.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?)", values)
        return True

    def renew(self, owner: Owner) -> None:
        """Lengthen the lease of all that a run holds.

        Args:
            owner: the run.
        """
        with self._transaction():
            ends = time.time() + LEASE_SECONDS
            self._base.execute("UPDATE claim SET expires = ? WHERE owner = ?", (ends, str(owner)))

    def release(self, owner: Owner) -> None:
        """Give back all that a run holds and has not finished.

        Args:
            owner: the run.
        """
        with self._transaction():
            self._base.execute("DELETE FROM claim WHERE owner = ?", (str(owner),))

    def record(self, row: LedgerRow) -> None:
        """Write a finished row and end its claim, both or neither.

        Args:
            row: replaces an older one of the same key.
        """
        marks = ", ".join("?" * len(COLUMNS))
        with self._transaction():
            self._base.execute(f"INSERT OR REPLACE INTO series ({', '.join(COLUMNS)}) VALUES ({marks})", _to_sql(row))
            self._base.execute(f"DELETE FROM claim WHERE {_WHERE_KEY}", row.key)

    def remove(self, row: LedgerRow) -> None:
        """Take a row out, such as one whose series goes by another key now.

        Args:
            row: of the ledger.
        """
        with self._transaction():
            self._base.execute(f"DELETE FROM series WHERE {_WHERE_KEY}", row.key)

    def rows(self, model_digest: str | None = None, configuration_digest: str | None = None) -> Iterator[LedgerRow]:
        """Read rows, one after the other, in the order of their keys.

        Args:
            model_digest: only rows of this model; None takes all.
            configuration_digest: only rows of this configuration; None takes all.

        Yields:
            Rows.
        """
        wanted = {"model_digest": model_digest, "configuration_digest": configuration_digest}
        terms = [name for name, value in wanted.items() if value is not None]
        where = " WHERE " + " AND ".join(f"{name} = ?" for name in terms) if terms else ""
        query = f"SELECT * FROM series{where} ORDER BY {', '.join(KEY_COLUMNS)}"
        with _plainly(), closing(self._base.execute(query, [wanted[name] for name in terms])) as found:
            for row in found:
                yield _from_sql(row)

    def finished(self, model_digest: str, configuration_digest: str) -> dict[str, tuple[str, str, float]]:
        """List what is done, without reading whole rows.

        Args:
            model_digest: of the model.
            configuration_digest: of the configuration.

        Returns:
            By series key: (source stamp, code, seconds).
        """
        query = "SELECT series_key, source_stamp, code, seconds FROM series"
        with _plainly():
            found = self._base.execute(
                f"{query} WHERE model_digest = ? AND configuration_digest = ?", (model_digest, configuration_digest)
            )
            return {row[0]: (row[1], row[2], row[3]) for row in found}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, and one writer at a time."""
        with _plainly():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._roll_back()
                raise
            try:
                self._base.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._base.in_transaction:
            self._base.execute("ROLLBACK")


def _make_private(path: Path) -> None:
    """Make the file for its owner alone before anything is in it (its -wal and -shm files take its mode)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    os.chmod(path, 0o600)


def _holds(claim: sqlite3.Row) -> bool:
    """Tell whether a claim still stands: its owner lives here, or cannot be asked and its lease runs."""
    alive = is_alive(claim["owner"])
    return claim["expires"] > time.time() if alive is None else alive


def _to_sql(row: LedgerRow) -> list[Any]:
    values = []
    for name in COLUMNS:
        value = getattr(row, name)
        values.append(_to_json(value) if name in JSON_COLUMNS else value)
    return values


def _to_json(value: Mapping[str, Any] | Iterable[Any]) -> str:
    plain = dict(value) if isinstance(value, Mapping) else list(value)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False)


def _from_sql(row: sqlite3.Row) -> LedgerRow:
    values = {name: json.loads(row[name] or "[]") if name in JSON_COLUMNS else row[name] for name in COLUMNS}
    return LedgerRow(**{**values, "warnings": tuple(values["warnings"]), "places": tuple(values["places"])})


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn the disk's and the database's refusals into one sentence without a path."""
    try:
        yield
    except sqlite3.Error as fault:
        raise StoreError(_code_of(fault), f"the ledger cannot be used ({_reason(fault)})") from None
    except OSError as fault:
        raise refused("the ledger", fault) from None


def _reason(fault: sqlite3.Error) -> str:
    return getattr(fault, "sqlite_errorname", None) or type(fault).__name__


def _code_of(fault: sqlite3.Error) -> str:
    name = _reason(fault)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return "E_DISK_FULL"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "E_STORE_LOCKED"
    return "E_STORE_FORMAT" if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR")) else "E_WRITE"
