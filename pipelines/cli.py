"""The `medres` program: gathers the commands, runs one, turns a fault into one sentence and an exit status.

Heavy imports stand inside the command that needs them, so that `medres --help` answers at once.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Annotated

import typer

from pipelines.commands.program import app

ROOMS = ("scans", "lists", "learning", "weights", "judging", "using", "reviewing", "demo")  # in the order of the help
for room in ROOMS:
    importlib.import_module(f"pipelines.commands.{room}")


def _version(shown: bool) -> None:
    if shown:
        typer.echo(importlib.import_module("medres").__version__)
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="show it")] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program; a named fault becomes one sentence on stderr and exit status 1."""
    from medres.errors import MedresError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except MedresError as error:
        from pipelines.console import say_error

        say_error(error)
        sys.exit(2 if error.code == "E_USAGE" else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(141)
    except Exception as error:  # a trace may quote the scan: one sentence here too
        from pipelines.console import say_unnamed

        if os.environ.get("MEDRES_TRACEBACK"):
            raise
        say_unnamed(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
