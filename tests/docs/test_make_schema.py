"""The facts of a model follow the schema that the docs publish."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import jsonschema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def make_schema():
    specification = importlib.util.spec_from_file_location("make_schema", DOCS / "make_schema.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_published_schema_is_that_of_the_code() -> None:
    made = make_schema()
    assert made.PAGE.read_text() == made.build_schema(), "run: python docs/make_schema.py"


def test_a_saved_model_follows_the_published_schema(tiny_ct) -> None:
    facts = json.loads((Path(tiny_ct) / "trained_model.json").read_text())
    jsonschema.validate(facts, json.loads(make_schema().PAGE.read_text()))
    assert facts["intended_use"]
    assert facts["not_for"]
