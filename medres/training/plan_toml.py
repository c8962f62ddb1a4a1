"""Plan -> the text of an experiment's TOML, each value with its reason above it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from medres.training.plan import Plan

WIDTH = 110  # characters of a comment's line


def write_toml(plan: Plan, head: str) -> str:
    """Write a plan as TOML.

    Args:
        plan: any.
        head: sentences for the top, as a comment.

    Returns:
        Text that `medres train` takes.

    Example:
        >>> from medres.training.plan import Choice
        >>> print(write_toml(Plan((Choice("", "name", "x", "yours"),), 5, ""), "By medres plan."))
        # By medres plan.
        # yours
        name = "x"
        <BLANKLINE>
    """
    lines, table = _comment(head), ""
    for one in plan.choices:
        if one.table != table:
            table = one.table
            lines += ["", f"[{table}]"]
        lines += [*_comment(one.reason), f"{one.key} = {to_toml(one.value)}"]
    return "\n".join(lines) + "\n"


def to_toml(value: Any) -> str:
    """Write one value.

    Args:
        value: text, number, truth value, list or table of them.

    Example:
        >>> to_toml({"kind": "window", "lower": -100.0, "ends": [1, 2], "on": True})
        '{ kind = "window", lower = -100.0, ends = [1, 2], on = true }'
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {to_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _key(name: str) -> str:
    """Quote a key where TOML needs it."""
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH)]
