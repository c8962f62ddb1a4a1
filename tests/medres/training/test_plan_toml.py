"""A plan's TOML is read back as it was meant, reasons beside the values."""

from __future__ import annotations

import tomllib

import pytest

from medres.training.plan import Choice, Plan
from medres.training.plan_toml import to_toml, write_toml


@pytest.mark.parametrize("value", ['a "quoted" word', 3, 2.5, True, [1, "x"], {"not malignant": ["a"], "b": {"c": 1}}])
def test_values_are_read_back(value):
    assert tomllib.loads(f"key = {to_toml(value)}")["key"] == value


def test_tables_and_reasons_are_written_in_order():
    plan = Plan((Choice("", "name", "x", "yours"), Choice("training", "epochs", 3, "enough " * 40)), 5, "")
    text = write_toml(plan, "Made by a test.")
    assert tomllib.loads(text) == {"name": "x", "training": {"epochs": 3}}
    assert max(map(len, text.splitlines())) <= 120
    assert "# yours\nname" in text
