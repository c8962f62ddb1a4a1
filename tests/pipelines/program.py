"""Runs the `medres` program as a user does -> exit status, stdout, stderr."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from pipelines import cli

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    returncode: int
    stdout: str
    stderr: str


def medres(*arguments: object, **environment: str) -> Done:
    """Run `medres` with these arguments within this process (an import of torch takes seconds)."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["medres", *map(str, arguments)]),
        patch.dict(os.environ, environment),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else int(left.code is not None)
    return Done(status, out.getvalue(), err.getvalue())


def medres_process(*arguments: object, **environment: str) -> Done:
    """Run `medres` as a process of its own."""
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})
    return Done(done.returncode, done.stdout, done.stderr)
