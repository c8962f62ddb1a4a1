"""The benchmark's page behind the viewer's own doors, with the peer's script where it was installed."""

import gc
import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app import state  # noqa: F401 - as the viewer's own server does
from app.doors import ROUTES, Porter
from app.sockets import answering_at_once

peer = os.environ.get("MEDRES_PEER", "")
routes = [*ROUTES, *([Mount("/peer", StaticFiles(directory=peer))] if peer else [])]
gc.freeze()  # as the viewer's own server does
page = Path(__file__).with_name("viewer_page.py")
app = st.App(page, lifespan=answering_at_once, routes=routes, middleware=[Middleware(Porter)])
