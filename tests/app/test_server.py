"""The server: Streamlit with our route behind our porter."""

from __future__ import annotations

from app import server
from app.doors import PATH, Porter


def test_the_route_for_volumes_and_the_porter_are_in_place():
    assert server.app.script_path.name == "main.py"
    assert [route.path for route in server.app._user_routes] == [PATH]
    assert [layer.cls for layer in server.app._user_middleware] == [Porter]
