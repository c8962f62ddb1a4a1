"""medres/codes.py + docs/codes_notes.toml -> docs/codes.md: `python docs/make_codes.py`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from medres.errors import CODES, Code

DOCS = Path(__file__).resolve().parent
ROOMS = {
    "intake": "Reading scans",
    "dataset": "Manifests and splits",
    "model": "Configurations, models and engines",
    "scope": "Scans a model must not answer for",
    "training": "Training",
    "evaluation": "Evaluation",
    "store": "Results, stores and the command line",
}
HEAD = """# Codes

Every fault that medres can name. A code that starts with `E_` refuses; one that starts with `W_` warns: the scan is
used, and the code travels with every result made from it. Messages have one form, `CODE: what is wrong (numbers) - what
to do`, and never hold a name, a number, a date, a UID or a path.

The codes are part of the public interface: `medres inspect --json` gives them, `MedresError.code` carries them. This
page is made by `python docs/make_codes.py` from `medres/codes.py`; a test keeps it up to date.
"""


def build_page() -> str:
    """Join the codes and their notes into one page."""
    notes = read_notes()
    parts = [HEAD]
    for room, title in ROOMS.items():
        parts.append(f"\n## {title}\n")
        parts.extend(_entry(code, notes.get(code.code)) for code in CODES.values() if code.room == room)
    return "".join(parts)


def read_notes() -> dict[str, dict[str, str]]:
    """Read the longer notes, by code."""
    return tomllib.loads((DOCS / "codes_notes.toml").read_text(encoding="utf-8"))


def _entry(code: Code, note: dict[str, str] | None) -> str:
    first = code.arises[0].upper() + code.arises[1:]
    if note is None:
        return f"\n### {code.code}\n\n{first}.\n\n*What to do:* {code.cure}.\n"
    lines = f"{first}. {note['how']}\n\n*On the command line:* {code.cure}.\n\n*At the scanner or in the archive:* "
    return f"\n### {code.code}\n\n{lines}{note['do']}\n"


if __name__ == "__main__":
    (DOCS / "codes.md").write_text(build_page(), encoding="utf-8")
