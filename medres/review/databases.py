"""A file or a URL -> a database that can only be added to, and its refusals in one sentence.

Knows SQLite and PostgreSQL apart; knows no reading. What both must give: a table that refuses changes, and writers
that take turns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from medres.errors import StoreError

BUSY_SECONDS = 30
TURN = 0x6D6564  # number of the lock under which writers of PostgreSQL take turns
POSTGRES = ("postgres://", "postgresql://")
NO_CHANGE = "only added to"

# The table refuses changes; the seals find them wherever they were made all the same.
_SQLITE_GUARD = (
    "CREATE TRIGGER IF NOT EXISTS no_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{why}'); END"
)
_POSTGRES_GUARDS = (
    "CREATE OR REPLACE FUNCTION medres_no_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '{why}'; END $$",
    "CREATE OR REPLACE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION medres_no_change()",
)


def open_database(place: Path | str) -> sql.Engine:
    """Open a database; a file is made for its owner alone.

    Args:
        place: SQLite file, or a URL.

    Returns:
        The engine.
    """
    engine = sql.create_engine(_url_of(place), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
    return engine


def _url_of(place: Path | str) -> str | sql.URL:
    if isinstance(place, str) and place.startswith(POSTGRES):
        return f"postgresql+psycopg://{place.split('://', 1)[1]}"
    if isinstance(place, str) and "://" in place:
        return place
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return sql.URL.create("sqlite", database=str(path))


def _tune_sqlite(connection: Any, _record: Any) -> None:
    """Flush fully, and wait for others."""
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def take_turn(base: sql.Connection) -> None:
    """Wait until no other writer is in the middle of an entry; the turn ends with the transaction.

    Args:
        base: in a transaction. SQLite needs no turn: the second writer of a number is refused and tries anew.
    """
    if base.dialect.name == "postgresql":
        base.execute(sql.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})


def guard(base: sql.Connection, table: str) -> None:
    """Let the database itself refuse to change or remove rows.

    Args:
        base: in a transaction.
        table: its name.
    """
    if base.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            base.exec_driver_sql(_SQLITE_GUARD.format(verb=verb, table=table, why=NO_CHANGE))
    elif base.dialect.name == "postgresql":
        for statement in _POSTGRES_GUARDS:
            base.exec_driver_sql(statement.format(table=table, why=NO_CHANGE))


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the database's refusals into one sentence without a path, an address or a password.

    Raises:
        StoreError: E_STORE_FORMAT, E_STORE_LOCKED, E_STORE_UNREACHABLE, E_DISK_FULL, E_WRITE or E_OPTIONAL.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (ImportError, sql.exc.NoSuchModuleError):
        raise StoreError(
            "E_OPTIONAL", "no driver for this kind of database is installed", "for PostgreSQL: medres[postgres]"
        ) from None
    except DBAPIError as fault:
        name = getattr(fault.orig, "sqlite_errorname", None) or type(fault.orig).__name__
        raise StoreError(_code_of(name), f"the review store cannot be used ({name})") from None
    except SQLAlchemyError as fault:
        raise StoreError("E_STORE_FORMAT", f"the review store cannot be used ({type(fault).__name__})") from None
    except OSError as fault:
        raise StoreError("E_WRITE", f"the review store cannot be opened ({fault.strerror})") from None


def _code_of(name: str) -> str:
    """Name the code of a driver's error: SQLite's own name, or the class that psycopg raised."""
    known = {
        "E_DISK_FULL": ("SQLITE_FULL", "SQLITE_IOERR", "DiskFull"),
        "E_STORE_LOCKED": ("SQLITE_BUSY", "SQLITE_LOCKED", "LockNotAvailable"),
        "E_STORE_UNREACHABLE": ("OperationalError", "ConnectionTimeout", "AdminShutdown", "CannotConnectNow"),
    }
    return next((code for code, starts in known.items() if name.startswith(starts)), "E_STORE_FORMAT")
