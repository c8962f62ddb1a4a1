"""The tables of docs/networks.md are those of the registry."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_page_holds_the_registry_and_the_sources():
    spec = importlib.util.spec_from_file_location("make_networks", DOCS / "make_networks.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    page = (DOCS / "networks.md").read_text()
    assert made.fill(page) == page
