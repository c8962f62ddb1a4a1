"""`medres view`: a folder -> the viewer, on this machine only.

Hands the folder over in the environment, where no other user reads it, and becomes Streamlit's server: bound to
127.0.0.1, no usage statistics, nothing from the network.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from medres.errors import IntakeError, MedresError, ModelError, SpecError, StoreError
from medres.review.people import read_people
from pipelines.console import err

FOLDER_VARIABLE, MODEL_VARIABLE = "MEDRES_VIEW_FOLDER", "MEDRES_VIEW_MODEL"
PEOPLE_VARIABLE, OPINION_VARIABLE = "MEDRES_VIEW_PEOPLE", "MEDRES_VIEW_OPINION"
OPINIONS = ("hidden", "shown", "locked")
ADDRESS = "127.0.0.1"
SECRETS = ".streamlit/secrets.toml"  # where Streamlit looks for the identity provider, here and in the home folder
AUTH_KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
OPTIONS = {
    "server.address": ADDRESS,
    "browser.serverAddress": ADDRESS,
    "browser.gatherUsageStats": "false",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.showEmailPrompt": "false",
    "server.maxUploadSize": "2048",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.base": "dark",
    "theme.primaryColor": "#4aa8e0",
    "theme.backgroundColor": "#0b0e12",
    "theme.secondaryBackgroundColor": "#161b22",
    "theme.textColor": "#e8edf2",
}


def run(
    folders: Sequence[Path] | None,
    model: Path | None,
    port: int,
    browser: bool,
    people: Path | None = None,
    opinion: str | None = None,
) -> int:
    """Check what was given, then become the server; returns only where that is not possible.

    Args:
        folders: results of `medres score`, or scans; several make one worklist, None opens an empty viewer.
        model: a TrainedModel folder to score scans with, or None.
        port: to listen on.
        browser: open a window.
        people: who may sign in as what; None is one local reader without login.
        opinion: when models' opinions are shown, one of `OPINIONS`; None leaves it to the environment, else "hidden".

    Returns:
        Exit status.

    Raises:
        MedresError: E_NOT_FOUND, E_MODEL_MISSING, E_USAGE, E_SPEC..., E_OPTIONAL.
    """
    folders = tuple(folders or ())
    _check(folders, model, port)
    if opinion not in (None, *OPINIONS):
        raise MedresError("E_USAGE", f"--opinion must be one of {', '.join(OPINIONS)}, got {opinion!r}")
    if people is not None:
        _check_login(people)
    command = command_line(port, browser)
    environment = {**os.environ, **handed_over(folders, model, people, opinion)}
    err.print(f"medres view: http://{ADDRESS}:{port} (end it with Ctrl-C)", markup=False)
    sys.stderr.flush()
    os.execve(command[0], command, environment)


def command_line(port: int, browser: bool) -> list[str]:
    """Write the command that starts the server.

    Args:
        port: to listen on.
        browser: open a window.

    Returns:
        Program and arguments; no path of a scan among them.
    """
    options = {**OPTIONS, "server.port": str(port), "server.headless": "false" if browser else "true"}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(server_file()), *flags]


def handed_over(
    folders: Sequence[Path], model: Path | None, people: Path | None = None, opinion: str | None = None
) -> dict[str, str]:
    """Write the environment that tells the viewer what to open."""
    places = "\n".join(str(folder.resolve()) for folder in folders)
    given = {
        FOLDER_VARIABLE: places, MODEL_VARIABLE: model, PEOPLE_VARIABLE: people, OPINION_VARIABLE: opinion
    }  # fmt: skip
    return {name: value if isinstance(value, str) else str(value.resolve()) for name, value in given.items() if value}


def server_file() -> Path:
    """Find the viewer in the installed package.

    Raises:
        StoreError: E_OPTIONAL when it is not there.
    """
    found = importlib.util.find_spec("app.server")
    if found is None or found.origin is None:
        raise StoreError("E_OPTIONAL", "the viewer is not installed beside medres", "install medres again")
    return Path(found.origin)


def _check(folders: Sequence[Path], model: Path | None, port: int) -> None:
    if not 1 <= port <= 65535:
        raise MedresError("E_USAGE", f"the port must be in 1 to 65535, got {port}")
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((ADDRESS, port))
        except OSError:
            raise MedresError("E_USAGE", f"port {port} is in use", "choose another with --port") from None
    for number, folder in enumerate(folders, start=1):
        which = f" {number}" if len(folders) > 1 else ""
        if not folder.exists():
            raise IntakeError("E_NOT_FOUND", f"there is nothing where FOLDER{which} points")
        if "\n" in str(folder.resolve()):
            raise MedresError("E_USAGE", f"the path of FOLDER{which} must be one line, got a line break in it")
    if model is not None and not (model / "trained_model.json").is_file():
        raise ModelError("E_MODEL_MISSING", "the folder given with --model holds no trained_model.json")


def _check_login(people: Path) -> None:
    """Refuse to start a viewer that nobody could sign in to."""
    read_people(people)
    absent = [name for name in ("authlib", "httpx") if importlib.util.find_spec(name) is None]
    if absent:
        raise StoreError("E_OPTIONAL", f"signing in needs {' and '.join(absent)}", "install medres[oidc]")
    places = (Path.cwd() / SECRETS, Path.home() / SECRETS)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SpecError("E_SPEC", f"--people needs an [auth] section in {SECRETS}, got no such file")
    try:
        told = tomllib.loads(found.read_text(encoding="utf-8")).get("auth", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        raise SpecError("E_SPEC_FORMAT", f"{SECRETS} cannot be read as TOML") from None
    missing = [name for name in AUTH_KEYS if not told.get(name)]
    if missing:
        raise SpecError("E_SPEC", f"the [auth] section of {SECRETS} must have {', '.join(missing)}, got none")
