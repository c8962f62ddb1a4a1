"""Token -> bytes over HTTP, and who may knock. Knows no study: a token is unguessable, and made for one session.

Volumes travel by their own route with ranges, so that the middle slices come first and no message carries them twice.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE = 4 * 2**20  # bytes sent in one go
PATH = "/medres/bytes/{token}"
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Accept-Ranges": "bytes",
}
POLICY = (
    "default-src 'self'; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; img-src 'self' data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)


Content = memoryview | Callable[[], bytes]  # bytes, or how a small PNG is made when it is asked for


class Shelf:
    """Buffers under tokens; the same buffer may stand under many tokens without a copy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._content: dict[str, Content] = {}

    def put(self, content: Content) -> str:
        """Stand a buffer on the shelf.

        Args:
            content: bytes, kept, not copied; or a function that draws a picture when it is first asked for.

        Returns:
            A fresh token of 192 random bits.
        """
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._content[token] = content
        return token

    def find(self, token: str) -> Content | None:
        """Give the buffer of a token, or None."""
        with self._lock:
            return self._content.get(token)

    def drop(self, tokens: list[str]) -> None:
        """Take tokens off the shelf; unknown ones are ignored."""
        with self._lock:
            for token in tokens:
                self._content.pop(token, None)

    def __len__(self) -> int:
        """How many tokens stand."""
        return len(self._content)


SHELF = Shelf()


def address(token: str) -> str:
    """Give the path that a browser asks for."""
    return PATH.format(token=token)


async def send_bytes(request: Request) -> Response:
    """Answer for one token: the whole, or the range that was asked for."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return Response(status_code=403)
    content = SHELF.find(request.path_params["token"])
    if content is None:
        return Response(status_code=404)
    if not isinstance(content, memoryview):
        return await _send_picture(content)
    wanted = request.headers.get("range")
    if wanted is None:
        return _stream(content, {**HEADERS, "Content-Length": str(len(content))}, 200)
    return _send_range(content, wanted)


async def _send_picture(draw: Callable[[], bytes]) -> Response:
    """Draw in another thread, so that nobody's scan waits for it."""
    picture = await run_in_threadpool(draw)
    if not picture:
        return Response(status_code=404)
    return Response(picture, headers={**HEADERS, "Cache-Control": "private, max-age=3600"}, media_type="image/png")


def _send_range(content: memoryview, wanted: str) -> Response:
    found = RANGE.fullmatch(wanted)
    start = int(found[1]) if found else len(content)
    last = min(int(found[2]) if found and found[2] else len(content) - 1, len(content) - 1)
    if start > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers = {
        **HEADERS,
        "Content-Range": f"bytes {start}-{last}/{len(content)}",
        "Content-Length": str(last + 1 - start),
    }
    return _stream(content[start : last + 1], headers, 206)


def _stream(content: memoryview, headers: dict[str, str], status: int) -> Response:
    async def pieces() -> AsyncIterator[memoryview]:
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]

    return StreamingResponse(pieces(), status, headers, media_type="application/octet-stream")


ROUTES = [Route(PATH, send_bytes, methods=["GET"])]


class Porter:
    """Middleware: only requests to this machine's own names come in, and pages load nothing from elsewhere."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = LOCAL_HOSTS) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn away foreign host names (DNS rebinding); add the content policy to every answer."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        if not self._is_known(scope):
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1008})
            return await Response("Unknown host.", status_code=421)(scope, receive, send)

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_POLICY_HEADERS]
            await send(message)

        return await self.app(scope, receive, send_with_policy)

    def _is_known(self, scope: Scope) -> bool:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        return re.sub(r":\d+$", "", host) in self.hosts


_POLICY_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
