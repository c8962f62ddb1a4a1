"""Tokens, ranges, and who is turned away."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.doors import ROUTES, SHELF, Porter, address

CONTENT = memoryview(bytes(range(256)) * 4)


@dataclass
class Client:
    """Asks an ASGI application, as a browser at http://127.0.0.1:8501 would."""

    app: Starlette

    def get(self, path: str, headers: dict[str, str] | None = None) -> SimpleNamespace:
        sent: list[dict] = []
        given = {"host": "127.0.0.1:8501"} | {name.lower(): value for name, value in (headers or {}).items()}
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b""}
        scope["headers"] = [(name.encode(), value.encode()) for name, value in given.items()]

        async def receive() -> dict:
            await asyncio.sleep(0 if not sent else 3600)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            sent.append(message)

        with ThreadPoolExecutor(1) as thread:  # a browser's test may have left an event loop in this one
            thread.submit(lambda: asyncio.run(self.app(scope, receive, send))).result()
        return SimpleNamespace(
            status_code=sent[0]["status"],
            headers={name.decode(): value.decode() for name, value in sent[0]["headers"]},
            content=b"".join(bytes(message.get("body", b"")) for message in sent[1:]),
        )


@pytest.fixture
def client():
    return Client(Starlette(routes=ROUTES, middleware=[Middleware(Porter)]))


def test_a_token_gives_its_bytes_and_nothing_is_kept_by_the_browser(client):
    answer = client.get(address(SHELF.put(CONTENT)))
    assert answer.content == bytes(CONTENT)
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_token_gives_nothing(client):
    assert client.get(address("x" * 32)).status_code == 404


def test_a_range_gives_its_part(client):
    answer = client.get(address(SHELF.put(CONTENT)), headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206
    assert answer.content == bytes(range(10, 20))
    assert answer.headers["content-range"] == "bytes 10-19/1024"


@pytest.mark.parametrize("wanted", ["bytes=2000-", "bytes=9-3", "lines=1-2", "bytes=-5", "bytes=" + "9" * 40 + "-"])
def test_a_range_that_cannot_be_is_refused(client, wanted):
    assert client.get(address(SHELF.put(CONTENT)), headers={"Range": wanted}).status_code == 416


def test_another_site_gets_nothing(client):
    answer = client.get(address(SHELF.put(CONTENT)), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_a_foreign_host_name_is_turned_away(client):
    answer = client.get(address(SHELF.put(CONTENT)), headers={"Host": "evil.example:8501"})
    assert answer.status_code == 421


def test_every_answer_forbids_loading_from_elsewhere(client):
    assert "default-src 'self'" in client.get("/nothing").headers["content-security-policy"]
