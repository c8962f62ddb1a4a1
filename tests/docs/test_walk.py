"""Every line of docs/walk.md runs, and prints what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "walk.md"


def test_the_walk_runs_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    said: list[str] = []
    script = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "walk.md", str(PAGE), 0)
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(script, out=said.append)
    assert len(script.examples) > 30
    assert not said, "".join(said)
