"""The page on metrics has an entry for every number that an evaluation.json holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medres.evaluation.abstention import measure_gate
from medres.evaluation.cases import build_cases
from medres.evaluation.intervals import proportion
from medres.evaluation.localisation import Mark, measure_hits, measure_marks
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import summarise
from medres.results.evaluation_json import build_document
from pipelines.calibration_after import measure_after
from tests.medres.results.evaluation_example import example

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
OF_ESTIMATE = {"value", "lower", "upper"}
NAMED_BY_USERS = re.compile(r" where .*|(?<=_)[0-9.]+$| \(.*\)|^worst case ")  # a subgroup, a target, a rule, a case
NO_NUMBERS = ("schema_version", "reasons", "confusion", "model", "record")  # codes, tables, facts, kept parameters


def numbers(content: Any, name: str = "") -> Iterator[str]:
    """Walk through a document to the name of every number, and to the fields of an estimate."""
    if isinstance(content, dict):
        if content.keys() >= OF_ESTIMATE:
            yield name
            yield from content
            return
        for key, part in content.items():
            if key not in NO_NUMBERS:
                yield from numbers(part, key)
    elif isinstance(content, list):
        for part in content:
            yield from numbers(part, name)
    elif isinstance(content, (int, float)) and not isinstance(content, bool):
        yield name


def documents() -> Iterator[dict[str, Any]]:
    """Two classes with every part, and three classes."""
    evaluation, setting = example()
    marks, lesions = [Mark("a", 0.9, "L"), Mark("b", 0.5)], {"a": 1, "b": 0}
    more = {
        "localisation": {**setting.localisation, **measure_marks(marks, lesions), **measure_hits([True], [0.1])},
        "gate": {**setting.gate, **measure_gate([True, False], [True, True]), "error_accepted": proportion(1, 4)},
        "calibrators": measure_after(evaluation.cases, evaluation.cases),
    }
    yield build_document(evaluation, replace(setting, **more))
    rng = np.random.default_rng(0)
    table = rng.dirichlet([1, 1, 1], 60)
    truth = np.array(["a", "b", "c"])[np.arange(60) % 3]
    cases = build_cases(truth == "c", table[:, 2])
    cases = replace(cases, classes=tuple(truth), class_names=("a", "b", "c"), probabilities=table)
    yield build_document(summarise(cases, plan=Resampling(5)), setting)


def test_every_number_of_an_evaluation_has_its_entry():
    page = PAGE.read_text(encoding="utf-8")
    found = {NAMED_BY_USERS.sub("", name) for document in documents() for name in numbers(document)}
    missing = sorted(name for name in found if f"`{name.rstrip('_')}" not in page)
    assert not missing, f"docs/metrics.md has no entry for {missing}"


def test_every_interval_name_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    for method in ("wilson", "clopper-pearson", "logit-delong", "logit-obuchowski", "percentile"):
        assert f"`{method}" in page
