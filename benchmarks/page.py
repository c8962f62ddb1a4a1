"""Text -> one section of a Markdown page that several benchmarks write, each between two marks of its own."""

from __future__ import annotations

import re
from pathlib import Path


def write_section(page: Path, name: str, text: str) -> None:
    """Replace a benchmark's section; one that is not there yet comes last.

    Args:
        page: Markdown; made where it is not there.
        name: of the benchmark, such as "viewer".
        text: Markdown with its title.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{start}\n{text.rstrip()}\n{end}"
    old = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    last = f"{old.rstrip()}\n\n{section}\n"
    page.write_text(pattern.sub(lambda _: section, old) if pattern.search(old) else last, encoding="utf-8")
