"""Entries <-> a database: SQLite in a file of its own, or any other by its URL; only ever added to.

Knows the trail and SQLAlchemy; knows no screen. Each entry is written and flushed at once: what a reader recorded
outlives a crash of the program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError

from medres.errors import StoreError
from medres.io.privacy import SiteKey
from medres.review.databases import guard, open_database, plainly, take_turn
from medres.review.trail import FIRST_SEAL, Entry, Head, seal, trail_key, verify

ATTEMPTS = 50  # how often an entry is numbered anew when others write at the same moment
FILE = "review.sqlite"

_METADATA = sql.MetaData()
_TRAIL = sql.Table(
    "trail",
    _METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("reader", sql.String(200), nullable=False),
    sql.Column("kind", sql.String(40), nullable=False),
    sql.Column("study", sql.String(200), nullable=False, index=True),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("seal", sql.String(64), nullable=False),
)


class ReviewStore:
    """What readers did, in one place.

    Args:
        place: SQLite file (made with mode 600 when absent), or a database URL such as "postgresql://host/db".
        key: the site's, for the seals.

    Raises:
        StoreError: E_STORE_FORMAT, E_STORE_LOCKED, E_STORE_UNREACHABLE, E_DISK_FULL, E_WRITE or E_OPTIONAL (no driver).
    """

    def __init__(self, place: Path | str, key: SiteKey) -> None:
        self._key = trail_key(key)
        with plainly():
            self._engine = open_database(place)
            with self._engine.begin() as base:
                take_turn(base)
                _METADATA.create_all(base)
                guard(base, _TRAIL.name)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def append(self, reader: str, kind: str, study: str = "", body: Mapping[str, Any] | None = None) -> Entry:
        """Add one entry, sealed and flushed.

        Args:
            reader: who.
            kind: what happened.
            study: key of the study, or "".
            body: facts that fit into JSON.

        Returns:
            The entry as it stands.

        Raises:
            StoreError: when it could not be written; then nothing of it was.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._append_once(reader, kind, study, dict(body or {}))
            except IntegrityError:  # another reader took the number in this moment
                continue
        raise StoreError("E_STORE_LOCKED", f"the review store could not be written in {ATTEMPTS} attempts")

    def _append_once(self, reader: str, kind: str, study: str, body: dict[str, Any]) -> Entry:
        with plainly(), self._engine.begin() as base:
            take_turn(base)
            newest = sql.select(_TRAIL.c.number, _TRAIL.c.seal).order_by(_TRAIL.c.number.desc()).limit(1)
            last = base.execute(newest).first()
            number, before = (last.number + 1, last.seal) if last else (1, FIRST_SEAL)
            plain = Entry(number, datetime.now(UTC).isoformat(timespec="milliseconds"), reader, kind, study, body)
            entry = Entry(**{**plain.__dict__, "seal": seal(self._key, before, plain)})
            base.execute(_TRAIL.insert().values(**{**entry.__dict__, "body": json.dumps(body, sort_keys=True)}))
        return entry

    def entries(self, study: str | None = None, kinds: tuple[str, ...] = ()) -> Iterator[Entry]:
        """Read entries in their order.

        Args:
            study: only those about it; None takes all.
            kinds: only these; empty takes all.

        Yields:
            Entries.
        """
        query = sql.select(_TRAIL).order_by(_TRAIL.c.number)
        if study is not None:
            query = query.where(_TRAIL.c.study == study)
        if kinds:
            query = query.where(_TRAIL.c.kind.in_(kinds))
        with plainly(), self._engine.connect() as base:
            for row in base.execute(query):
                yield Entry(**{**row._mapping, "body": _body(row.body, row.number)})

    def verify(self, head: Head | None = None) -> Head:
        """Prove the whole trail.

        Args:
            head: exported earlier, or None.

        Returns:
            The head of today.

        Raises:
            StoreError: E_REVIEW_TRAIL when an entry was changed, removed or cut off.
        """
        return verify(self.entries(), self._key, head)

    def head(self) -> Head:
        """Give the count and the last seal, without proving them."""
        newest = sql.select(_TRAIL.c.number, _TRAIL.c.seal).order_by(_TRAIL.c.number.desc()).limit(1)
        with plainly(), self._engine.connect() as base:
            last = base.execute(newest).first()
        return Head(last.number, last.seal) if last else Head(0, FIRST_SEAL)


def _body(text: str, number: int) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise StoreError("E_REVIEW_TRAIL", f"entry {number} was changed: its content cannot be read")
    return body
