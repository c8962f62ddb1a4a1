"""The benchmark's page behind the viewer's own doors."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.doors import ROUTES, Porter

app = st.App(Path(__file__).with_name("viewer_page.py"), routes=ROUTES, middleware=[Middleware(Porter)])
