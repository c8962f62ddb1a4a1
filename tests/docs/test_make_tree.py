"""The tree in README is the tree of the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make_tree():
    specification = importlib.util.spec_from_file_location("make_tree", ROOT / "docs" / "make_tree.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_readme_shows_the_tree_as_the_code_is() -> None:
    made = make_tree()
    readme = (ROOT / "README.md").read_text()
    assert made.with_tree(readme) == readme, "run: python docs/make_tree.py"


def test_every_module_says_what_it_turns_into_what() -> None:
    made = make_tree()
    silent = [p for name in made.FOLDERS for p in (ROOT / name).rglob("*.py") if not made.clause(p)]
    assert silent == []
