"""Started by `medres view` -> the web server: Streamlit with our route for volumes and our porter at the door."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app import state  # noqa: F401 - loads the libraries before the first reader waits for them
from app.doors import LOCAL_HOSTS, ROUTES, Porter
from app.settings import settings
from medres.review.people import read_people

PEOPLE = settings().people
HOSTS = LOCAL_HOSTS | set(read_people(PEOPLE).hosts if PEOPLE else ())

app = st.App(
    Path(__file__).with_name("main.py"), routes=ROUTES, middleware=[Middleware(Porter, hosts=frozenset(HOSTS))]
)
