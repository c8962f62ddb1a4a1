"""`medres view`: a folder -> the viewer, on this machine only.

Hands the folder over in the environment, where no other user reads it, and becomes Streamlit's server: bound to
127.0.0.1, no usage statistics, nothing from the network.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path

from medres.errors import IntakeError, MedresError, ModelError, StoreError
from pipelines.console import err

FOLDER_VARIABLE, MODEL_VARIABLE = "MEDRES_VIEW_FOLDER", "MEDRES_VIEW_MODEL"
ADDRESS = "127.0.0.1"
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


def run(folder: Path | None, model: Path | None, port: int, browser: bool) -> int:
    """Check what was given, then become the server; returns only where that is not possible.

    Args:
        folder: results of `medres score`, or scans; None opens an empty viewer.
        model: a TrainedModel folder to score scans with, or None.
        port: to listen on.
        browser: open a window.

    Returns:
        Exit status.

    Raises:
        MedresError: E_NOT_FOUND, E_MODEL_MISSING, E_USAGE.
    """
    _check(folder, model, port)
    command = command_line(port, browser)
    environment = {**os.environ, **handed_over(folder, model)}
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


def handed_over(folder: Path | None, model: Path | None) -> dict[str, str]:
    """Write the environment that tells the viewer what to open."""
    given = {FOLDER_VARIABLE: folder, MODEL_VARIABLE: model}
    return {name: str(path.resolve()) for name, path in given.items() if path is not None}


def server_file() -> Path:
    """Find the viewer in the installed package.

    Raises:
        StoreError: E_OPTIONAL when it is not there.
    """
    found = importlib.util.find_spec("app.server")
    if found is None or found.origin is None:
        raise StoreError("E_OPTIONAL", "the viewer is not installed beside medres", "install medres again")
    return Path(found.origin)


def _check(folder: Path | None, model: Path | None, port: int) -> None:
    if not 1 <= port <= 65535:
        raise MedresError("E_USAGE", f"the port must be in 1 to 65535, got {port}")
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((ADDRESS, port))
        except OSError:
            raise MedresError("E_USAGE", f"port {port} is in use", "choose another with --port") from None
    if folder is not None and not folder.exists():
        raise IntakeError("E_NOT_FOUND", "there is nothing where FOLDER points")
    if model is not None and not (model / "trained_model.json").is_file():
        raise ModelError("E_MODEL_MISSING", "the folder given with --model holds no trained_model.json")
