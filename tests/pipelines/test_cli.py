"""The program as a user meets it: fast help, examples, exit status, one sentence for a fault."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from pipelines.cli import app


def walk(
    group: typer.core.TyperGroup, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    """Every command that does something, with its words."""
    found = []
    for name, command in group.commands.items():
        words = (*path, name)
        found += walk(command, words) if hasattr(command, "commands") else [(words, command)]
    return found


COMMANDS = walk(typer.main.get_command(app))


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_every_command_has_help_and_an_example(words: tuple[str, ...], command: typer.core.TyperCommand) -> None:
    assert command.help
    assert command.epilog.startswith(f"Example: medres {' '.join(words)}")


@pytest.mark.parametrize("heavy", ["torch", "monai", "lightning", "pydicom", "nibabel", "streamlit", "scipy", "pandas"])
def test_help_imports_nothing_heavy(heavy: str) -> None:
    code = (
        "import sys; sys.argv = ['medres', '--help']\n"
        "from pipelines.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_unknown_option_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "inspect", "--no-such"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_fault_is_one_sentence_without_a_traceback(tmp_path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "inspect", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (1, 3)
    assert done.stderr.startswith("E_NOT_FOUND: ")
    assert done.stderr.count("\n") == 1


def test_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", "--version"], capture_output=True, text=True)
    assert done.stdout.strip().count(".") == 2
