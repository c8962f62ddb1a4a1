"""The list of codes is well formed, and every code that medres uses stands in it."""

from __future__ import annotations

import re
from pathlib import Path

from medres.codes import TABLES
from medres.errors import CODES

ROOT = Path(__file__).resolve().parents[2]
LINES = [line for table in TABLES.values() for line in table.strip().splitlines()]


def test_every_line_has_a_code_its_cause_and_its_cure():
    for line in LINES:
        code, arises, cure = (part.strip() for part in line.split("|"))
        assert re.fullmatch(r"[EW]_[A-Z0-9_]+", code), code
        assert arises, code
        assert cure, code


def test_no_code_stands_twice():
    assert len(CODES) == len(LINES)


def test_every_code_that_is_used_is_known():
    used = {}
    for folder in ("medres", "pipelines", "app"):
        for path in (ROOT / folder).rglob("*.py"):
            for code in re.findall(r"""["'`]([EW]_[A-Z0-9]+(?:_[A-Z0-9]+)*)["'`]""", path.read_text()):
                used.setdefault(code, path.relative_to(ROOT))
    unknown = {code: str(path) for code, path in used.items() if code not in CODES}
    assert not unknown
