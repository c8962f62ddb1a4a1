"""WeightSource -> a file in the weights folder: fetched with resume, proved, then put there by one rename.

Knows no network. A file whose digest was never published is opened once, safely, and its digest pinned; from then on it
must stay the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

from medres.errors import ModelError
from medres.models.folder import said_plainly
from medres.models.sources import SOURCES, WeightSource, find_source
from medres.models.trained_model import DESCRIPTION
from medres.models.weight_file import read_weights

VARIABLE = "MEDRES_WEIGHTS"
PINS = "pins.json"
PART = ".part"  # what was fetched so far; beside it the server's tag of the file, so that two versions are never joined
CHUNK = 1 << 20  # bytes
PATIENCE_S = 30.0  # without an answer

Progress = Callable[[int, int | None], None]  # (bytes so far, bytes in all)


def weights_folder() -> Path:
    """Say where fetched weights are kept: `MEDRES_WEIGHTS`, else the user's cache.

    Returns:
        The folder; it need not exist.
    """
    named = os.environ.get(VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else cache / "medres" / "weights"


def find_start(start: str, beside: Path) -> Path:
    """Turn what an experiment names as starting weights into a file or folder.

    Args:
        start: name of a source, path of a file, or of a TrainedModel folder.
        beside: folder that paths are relative to.

    Returns:
        The file, proved where it comes from a source, or the folder.

    Raises:
        ModelError: `E_WEIGHTS_SOURCE`, `E_WEIGHTS_MISSING` or `E_WEIGHTS_DIGEST`.
    """
    path = beside / start
    if start not in SOURCES and (path.is_file() or (path / DESCRIPTION).is_file()):
        return path
    looks_like_a_path = "/" in start or "\\" in start or Path(start).suffix in (".pth", ".pt", ".safetensors")
    if looks_like_a_path:
        there = "a folder that is no TrainedModel" if path.is_dir() else "a path with nothing there"
        told = f"starting weights must be a source, a file or a TrainedModel folder, got {there}"
        cure = "name the file in it" if path.is_dir() else "correct the path; it is relative to the TOML file"
        raise ModelError("E_WEIGHTS_MISSING", told, cure)
    return find_weights(find_source(start))


def find_weights(source: WeightSource) -> Path:
    """Find a source's file in the weights folder, and prove it.

    Args:
        source: of `SOURCES`.

    Returns:
        The file.

    Raises:
        ModelError: `E_WEIGHTS_MISSING` or `E_WEIGHTS_DIGEST`.
    """
    path = weights_folder() / source.file_name
    if not path.is_file():
        told = f"{source.name} must lie in the weights folder, got no {source.file_name} there"
        raise ModelError("E_WEIGHTS_MISSING", told, f"run medres weights fetch {source.name}, or {_by_hand(source)}")
    _prove(source, path)
    return path


def fetch(source: WeightSource, on_progress: Progress | None = None) -> Path:
    """Fetch a source's file, unless it is there.

    Args:
        source: of `SOURCES`.
        on_progress: called with bytes so far and in all.

    Returns:
        The file, proved.

    Raises:
        ModelError: `E_WEIGHTS_FETCH` where the server cannot be reached or stops, `E_WEIGHTS_DIGEST` or
            `E_WEIGHTS_FILE` for a file that is not what it should be; that one is removed.
        StoreError: `E_DISK_FULL` or `E_WRITE`.
    """
    path = weights_folder() / source.file_name
    if path.is_file():
        return find_weights(source)
    part = path.with_name(path.name + PART)
    with said_plainly():
        part.parent.mkdir(parents=True, exist_ok=True)
        _fetch_into(source, part, on_progress)
        try:
            _prove(source, part)
        except ModelError:
            part.unlink(missing_ok=True)
            raise
        finally:
            _tag_file(part).unlink(missing_ok=True)
        os.replace(part, path)
    return path


def known_digest(source: WeightSource) -> str:
    """Give what is known of a file's SHA-256.

    Args:
        source: of `SOURCES`.

    Returns:
        64 hex digits where they were published or pinned, the published first ones otherwise; "" for none.
    """
    return str(_read_pins().get(source.name) or source.sha256)


def _prove(source: WeightSource, path: Path) -> None:
    """Compare the digest with what is known; a file that stays unknown must at least be a safe one."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    known = known_digest(source)
    if known and not digest.startswith(known):
        told = f"the SHA-256 of {source.file_name} must start with {known[:16]}, got {digest[:16]}"
        raise ModelError("E_WEIGHTS_DIGEST", f"{told} ({path.stat().st_size} bytes)")
    if len(known) < len(digest):
        read_weights(path)
        _write_pins(_read_pins() | {source.name: digest})


def _fetch_into(source: WeightSource, part: Path, on_progress: Progress | None) -> None:
    """Go on with a download, or begin it."""
    so_far, tag = _begun(part)
    request = urllib.request.Request(source.url)
    if so_far:
        request.add_header("Range", f"bytes={so_far}-")
        request.add_header("If-Range", tag)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            _receive(answer, part, on_progress)
    except urllib.error.HTTPError as fault:
        if fault.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # that one: all of it is there already
            raise _unreachable(source, f"the server answered {fault.code}") from None
    except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as fault:
        raise _unreachable(source, f"the connection failed ({type(fault).__name__})") from None


def _receive(answer: Any, part: Path, on_progress: Progress | None) -> None:
    """Write what the server sends, after what is there where it goes on, and miss nothing."""
    going_on = answer.status == HTTPStatus.PARTIAL_CONTENT
    so_far = part.stat().st_size if going_on else 0
    length = answer.headers.get("Content-Length")
    total = so_far + int(length) if length else None
    _tag_file(part).write_text(answer.headers.get("ETag") or "")
    with part.open("ab" if going_on else "wb") as stream:
        while chunk := answer.read(CHUNK):
            stream.write(chunk)
            so_far += len(chunk)
            if on_progress is not None:
                on_progress(so_far, total)
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and so_far != total:
        raise ConnectionError(f"{so_far} of {total} bytes")


def _begun(part: Path) -> tuple[int, str]:
    """Say how much is there of a download that can go on, and the server's tag of it."""
    tag = _tag_file(part).read_text() if part.is_file() and _tag_file(part).is_file() else ""
    return (part.stat().st_size, tag) if tag and not tag.startswith("W/") else (0, "")


def _tag_file(part: Path) -> Path:
    """Name the file beside a begun download that keeps the server's tag."""
    return part.with_name(part.name + ".tag")


def _unreachable(source: WeightSource, why: str) -> ModelError:
    """Say what to do without a network."""
    told = f"{source.name} must be fetched from {source.url.split('/')[2]}, but {why}"
    return ModelError("E_WEIGHTS_FETCH", told, f"run it again to go on; offline, {_by_hand(source)}")


def _by_hand(source: WeightSource) -> str:
    """Say in one sentence which file goes where."""
    return (
        f"place {source.url} as {source.file_name} in the folder that {VARIABLE} names (else ~/.cache/medres/weights)"
    )


def _read_pins() -> dict[str, str]:
    """Read the digests that were pinned."""
    try:
        found = json.loads((weights_folder() / PINS).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_pins(pins: dict[str, str]) -> None:
    """Keep the pinned digests, whole or not at all."""
    folder = weights_folder()
    draft = folder / f".{PINS}-{os.getpid()}"
    draft.write_text(json.dumps(pins, indent=2, sort_keys=True) + "\n")
    os.replace(draft, folder / PINS)
