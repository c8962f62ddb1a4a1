"""Started by `medres view` -> the web server: Streamlit with our route for volumes and our porter at the door."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from app import state
from app.doors import LOCAL_HOSTS, ROUTES, Porter
from app.settings import settings
from app.sockets import answering_at_once
from medres.review.people import read_people

PEOPLE = settings().people
HOSTS = LOCAL_HOSTS | set(read_people(PEOPLE).hosts if PEOPLE else ())

# Streamlit collects garbage after each run of a page, before it sends what the run drew last: without the libraries'
# hundreds of thousands of objects, which stay for good, that takes a moment instead of a third of a second.
gc.freeze()


@asynccontextmanager
async def lifespan(served: Any) -> AsyncIterator[None]:
    """Answer at once as long as the server runs; list the studies before the first reader asks."""
    async with answering_at_once(served):
        threading.Thread(target=state.list_ahead, daemon=True).start()
        yield


app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=lifespan,
    routes=ROUTES,
    middleware=[Middleware(Porter, hosts=frozenset(HOSTS))],
)
