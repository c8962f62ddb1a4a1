"""README and docs -> every code block runs; one that takes an hour is at least a command that medres would take."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tests.small_demo import small_demo

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^(<!-- long -->\n)?```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SHOWN = ("text", "json", "toml", "csv", "mermaid")  # languages that are looked at, not run


def blocks() -> list[pytest.param]:
    """Every block of every document, named by its document and line."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        for match in BLOCK.finditer(text):
            if match[3].startswith(">>>"):  # a page that runs as one doctest: tests/docs and the tests of its subject
                continue
            line = text[: match.start()].count("\n") + 1
            found.append(pytest.param(bool(match[1]), match[2], match[3], id=f"{path.name}:{line}"))
    return found


def commands(block: str) -> list[str]:
    """Lines of a shell block with continuations joined and comments left out."""
    joined = block.replace("\\\n", " ")
    lines = (re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def is_understood(command: str) -> None:
    """Hold a `medres` command's words and options against the program, without running it."""
    from pipelines.cli import app

    words = shlex.split(command.split("|")[0].split(">")[0])[1:]
    found = typer.main.get_command(app)
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    assert not unknown, f"{command!r}: unknown {unknown}"


def run_shell(command: str, folder: Path) -> None:
    """Run a line as a user would, `medres` being this checkout's; 3 (some refused) is an answer too."""
    environment_bin = str(Path(sys.executable).parent)
    line = f'export PATH="{environment_bin}:$PATH"; {command}'
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 3), f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a (small) demo has been walked, as the documents assume."""
    return small_demo(tmp_path_factory)


@pytest.mark.slow
@pytest.mark.parametrize(("long", "language", "block"), blocks())
def test_every_code_block_runs(long: bool, language: str, block: str, folder: Path) -> None:
    if language in SHOWN:
        return
    if language == "python":
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return
    assert language == "sh", f"a block must be sh, python or one of {SHOWN}, got {language}"
    for command in commands(block):
        if command.startswith("make"):
            done = subprocess.run([*shlex.split(command), "-n"], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        elif command.startswith(("git ", "cd ")) or (long and not command.startswith("medres")):
            continue
        elif long or command.startswith("medres view"):
            is_understood(command)
        else:
            run_shell(command, folder)
