"""Databases: what a URL means, and how refusals read."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from medres.errors import StoreError
from medres.review.databases import open_database, plainly

DiskFull = type("DiskFull", (Exception,), {})  # named as psycopg names it


@pytest.mark.parametrize("url", ["postgres://h/db", "postgresql://h/db", "postgresql+psycopg://h/db"])
def test_every_way_to_write_postgres_means_the_one_driver(url):
    pytest.importorskip("psycopg", reason="the extra medres[postgres] is not installed")
    assert open_database(url).dialect.driver == "psycopg"


def test_a_full_disk_of_the_server_is_said_as_one():
    with pytest.raises(StoreError, match="E_DISK_FULL"), plainly():
        raise OperationalError("INSERT", {}, DiskFull("no space left at /srv"))


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="E_WRITE") as fault, plainly():
        open_database(tmp_path / "file" / "review.sqlite")
    assert str(tmp_path) not in str(fault.value)
