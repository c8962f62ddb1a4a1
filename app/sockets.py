"""The sockets that the server listens at -> answers that leave at once. Knows no route.

Streamlit makes its listening socket without saying that it is TCP's, and asyncio then leaves Nagle's algorithm on: the
body of every answer waits, 40 ms on Linux, until the browser has acknowledged its head, and so does each message to a
page after the first. One page is some sixty files.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil


@asynccontextmanager
async def answering_at_once(_app: Any) -> AsyncIterator[None]:
    """Let answers leave at once as long as the server runs; a lifespan of `st.App`."""
    send_at_once()
    yield


def send_at_once() -> None:
    """Switch Nagle's algorithm off for the connections that this process takes from now on.

    A connection takes the option over from its listening socket on Linux and macOS; where descriptors are not known
    (Windows) nothing changes.
    """
    for told in psutil.Process().net_connections("tcp"):
        if told.status == psutil.CONN_LISTEN and told.fd >= 0:
            with socket.socket(fileno=os.dup(told.fd)) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
