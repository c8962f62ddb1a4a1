"""evaluation.json follows its schema and gives the same bytes twice."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np

from medres.results.evaluation_json import build_document, to_bytes, to_plain
from tests.medres.results.evaluation_example import example

SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "evaluation.schema.json"


def test_the_document_follows_its_schema_and_says_where_thresholds_came_from():
    document = json.loads(to_bytes(build_document(*example())))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["headline"]["sensitivity"]["threshold_source"] == "the model"
    assert document["headline"]["auroc"]["model_digest"] == "cd" * 32
    assert "threshold_source" not in document["headline"]["auroc"]
    assert document["abstention"]["lower"] == 0.45


def test_the_same_evaluation_gives_the_same_bytes():
    assert to_bytes(build_document(*example())) == to_bytes(build_document(*example()))


def test_nan_and_infinity_become_null():
    assert to_plain({"a": np.array([1.0, np.nan]), "b": np.float64("inf"), "c": np.int64(2)}, {}) == {
        "a": [1.0, None],
        "b": None,
        "c": 2,
    }
