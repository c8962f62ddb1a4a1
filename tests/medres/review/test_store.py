"""The review store: written at once, only added to, many writers; the same in SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from contextlib import closing

import pytest

from medres.errors import StoreError
from medres.io.privacy import SiteKey
from medres.review.store import ReviewStore
from medres.review.trail import Head
from tests.postgres import postgres_server

KEY = SiteKey(b"k" * 32)


@pytest.fixture(scope="module")
def postgres():
    pytest.importorskip("psycopg", reason="the extra medres[postgres] is not installed")
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a store stands: the same tests hold for both databases."""
    if request.param == "sqlite":
        return tmp_path / "review.sqlite"
    url = request.getfixturevalue("postgres")
    _postgres(url, "DROP TABLE IF EXISTS trail")
    return url


@pytest.fixture
def file(tmp_path):
    return tmp_path / "review.sqlite"


@pytest.fixture
def store(place):
    opened = ReviewStore(place, KEY)
    yield opened
    opened.close()


def _postgres(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as base:
        for statement in statements:
            base.execute(statement)


def _as_anyone(place, statement: str) -> None:
    if isinstance(place, str):
        _postgres(place, statement)
        return
    with sqlite3.connect(place) as base:
        base.execute(statement)


def _behind_the_guards(place, statement: str) -> None:
    """Do what only a database's owner can do."""
    if isinstance(place, str):
        _postgres(place, "DROP TRIGGER no_change ON trail", statement)
        return
    with sqlite3.connect(place) as base:
        for word in ("DROP TRIGGER no_update", "DROP TRIGGER no_delete", statement):
            base.execute(word)


def test_entries_come_back_in_order_as_they_were_written(store):
    for number in range(3):
        store.append("local", "final_reading", f"s-{number}", {"n": number, "text": "ä\u2028\n"})
    assert [(e.number, e.study, e.body["n"]) for e in store.entries()] == [(1, "s-0", 0), (2, "s-1", 1), (3, "s-2", 2)]
    assert [e.number for e in store.entries(study="s-1")] == [2]
    assert [e.number for e in store.entries(kinds=("revealed",))] == []
    assert store.verify() == store.head()


def test_the_file_is_its_owners_alone(file):
    with closing(ReviewStore(file, KEY)) as opened:
        opened.append("local", "opened")
        for one in file.parent.iterdir():
            assert stat.S_IMODE(one.stat().st_mode) == 0o600


@pytest.mark.parametrize("statement", ["UPDATE trail SET reader = 'x'", "DELETE FROM trail"])
def test_the_database_itself_refuses_changes(store, place, statement):
    store.append("local", "opened")
    with pytest.raises(Exception, match="only added to"):
        _as_anyone(place, statement)
    assert store.verify().count == 1


def test_postgres_refuses_to_empty_the_table(postgres):
    with closing(ReviewStore(postgres, KEY)), pytest.raises(Exception, match="only added to"):
        _postgres(postgres, "TRUNCATE trail")


def test_a_server_that_does_not_answer_is_one_sentence_without_its_address(tmp_path):
    pytest.importorskip("psycopg", reason="the extra medres[postgres] is not installed")
    with pytest.raises(StoreError, match="E_STORE_UNREACHABLE") as fault:
        ReviewStore(f"postgresql://medres:secret@/postgres?host={tmp_path}", KEY)
    assert "secret" not in str(fault.value)
    assert str(tmp_path) not in str(fault.value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE trail SET body = '{\"n\": 7}' WHERE number = 2", "entry 2 was changed"),
        ("UPDATE trail SET body = 'no json' WHERE number = 2", "cannot be read"),
        ("DELETE FROM trail WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM trail WHERE number > 1", "ends after 1 entries"),
    ],
)
def test_what_was_done_behind_the_guards_is_found(store, place, statement, message):
    for number in range(3):
        store.append("local", "opened", body={"n": number})
    head = store.head()
    _behind_the_guards(place, statement)
    with pytest.raises(StoreError, match=message):
        store.verify(head)


def test_eight_writers_at_once_make_one_unbroken_trail(place):
    stores = [ReviewStore(place, KEY) for _ in range(4)]

    def write(number: int) -> None:
        for _ in range(5):
            stores[number % 4].append(f"r-{number}", "opened")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].verify().count == 40
    for one in stores:
        one.close()


def test_what_was_written_outlives_a_kill(place):
    script = f"""
        import os, signal
        from medres.io.privacy import SiteKey
        from medres.review.store import ReviewStore
        store = ReviewStore({str(place)!r}, SiteKey(b"k" * 32))
        for n in range(3):
            store.append("local", "opened", body={{"n": n}})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=os.environ, timeout=120)
    assert done.returncode == -signal.SIGKILL
    again = ReviewStore(place, KEY)
    assert again.verify().count == 3
    assert again.append("local", "opened").number == 4
    again.close()


def test_a_file_that_is_no_store_is_one_sentence_without_its_path(file):
    file.write_bytes(b"no database " * 100)
    with pytest.raises(StoreError, match="E_STORE_FORMAT") as fault:
        ReviewStore(file, KEY)
    assert str(file) not in str(fault.value)


def test_a_database_without_a_driver_names_the_cure_and_not_the_password():
    with pytest.raises(StoreError, match="E_OPTIONAL") as fault:
        ReviewStore("oracle+cx_oracle://user:secret@host/db", KEY)
    assert "secret" not in str(fault.value)


def test_an_empty_store_has_an_empty_head(store):
    assert store.head() == Head(0, "0" * 64)
