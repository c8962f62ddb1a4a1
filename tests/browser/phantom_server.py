"""The phantom page behind the same doors as the viewer."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.doors import ROUTES, Porter

app = st.App(Path(__file__).with_name("phantom_page.py"), routes=ROUTES, middleware=[Middleware(Porter)])
