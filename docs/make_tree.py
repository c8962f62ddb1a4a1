"""First docstring line of every module -> the tree in README.md, between its two marks.

Run: python docs/make_tree.py            (a test holds README against it)
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- tree: made by docs/make_tree.py -->", "<!-- end of tree -->"
FOLDERS = ("medres", "app", "pipelines")
WIDTH = 34  # columns for names


def clause(path: Path) -> str:
    """First line of a module's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return re.split(r"\.\s|\.$", text.splitlines()[0] if text else "", maxsplit=1)[0].rstrip(".:")


def lines_of(folder: Path, depth: int = 0) -> list[str]:
    """One line for the folder, one for each of its modules, then its folders."""
    own = folder / "__init__.py"
    lines = [_line(folder.name + "/", clause(own) if own.exists() else "", depth)]
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            lines.append(_line(path.name, clause(path), depth + 1))
    for inner in sorted(p for p in folder.iterdir() if p.is_dir() and list(p.glob("*.py"))):
        lines += lines_of(inner, depth + 1)
    return lines


def _line(name: str, said: str, depth: int) -> str:
    return f"{'  ' * depth + name:<{WIDTH}} {said}".rstrip()


def build_tree() -> str:
    """The whole tree as one text block."""
    lines = [line for name in FOLDERS for line in lines_of(ROOT / name)]
    return "\n".join([BEGIN, "```text", *lines, "```", END])


def with_tree(readme: str) -> str:
    """README's text with the tree as the code is now."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: build_tree(), readme, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(with_tree(README.read_text()))
