"""The benchmark's page behind the viewer's own doors, with the peer's script where it was installed."""

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.doors import ROUTES, Porter

peer = os.environ.get("MEDRES_PEER", "")
routes = [*ROUTES, *([Mount("/peer", StaticFiles(directory=peer))] if peer else [])]
app = st.App(Path(__file__).with_name("viewer_page.py"), routes=routes, middleware=[Middleware(Porter)])
