"""Key -> arrays on disk: a store of prepared scans, bounded, shared by many workers, whole after any kill.

Knows neither scans nor specs: who puts arrays in makes the key from the content and the spec, so that a changed file or
spec asks for another entry and never meets a stale one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from medres.errors import StoreError
from medres.io.atomic import OWNER

SUFFIX = ".safetensors"
DEFAULT_LIMIT = 20 << 30  # bytes
DRAFT_AGE = 3600.0  # seconds after which a draft is what a kill left behind
ROOM = 0.9  # share of the limit that is left after old entries went
WORKERS = 8  # this many may fill what room there is before each looks again what the others kept
PATIENCE = 30.0  # seconds before a full folder is looked through again for an entry that found no room
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, eq=False)
class Entry:
    """What was kept under a key.

    Attributes:
        arrays: by name.
        notes: what was said of them, JSON-able.
    """

    arrays: dict[str, NDArray[Any]]
    notes: dict[str, Any] = field(default_factory=dict)


def cache_key(*parts: str) -> str:
    """Make a key of everything that decides what is kept: content digest, spec digest, version, ...

    Args:
        parts: texts, in a fixed order.

    Returns:
        SHA-256, 64 hex digits.

    Example:
        >>> cache_key("ab", "c") == cache_key("a", "bc")
        False
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class TensorCache:
    """Arrays by key in a folder of bounded size; the entries used least recently go first.

    Args:
        folder: made at the first `put`.
        limit_bytes: most bytes kept by all workers together; an entry that finds no room is not kept.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = TensorCache(Path(folder), limit_bytes=10_000)
        ...     cache.put(cache_key("content", "spec"), {"tensor": np.ones(3)})
        ...     cache.get(cache_key("content", "spec")).arrays["tensor"].tolist()
        True
        [1.0, 1.0, 1.0]
    """

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_LIMIT) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._used: set[str] = set()
        self._held = 0
        self._trusted = -1  # bytes held up to which the last look is believed
        self._refused, self._closed_until = 0, 0.0

    def path(self, key: str) -> Path:
        """Say where an entry lies or would lie.

        Args:
            key: as `cache_key` makes it.
        """
        return self.folder / f"{key}{SUFFIX}"

    def get(self, key: str) -> Entry | None:
        """Give an entry; one that is not there, or broken, is absent.

        Args:
            key: as `cache_key` makes it.
        """
        place = self.path(key)
        try:
            with safe_open(place, framework="numpy") as stored:
                told = stored.metadata() or {}
                arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
            if told["sum"] != _checksum(arrays, told["notes"]):
                return None
            notes = json.loads(told["notes"])
            os.utime(place)
        except (OSError, SafetensorError, ValueError, KeyError):
            return None
        self._used.add(key)
        return Entry(arrays, notes)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any] | None = None) -> bool:
        """Keep arrays: written beside their place, then renamed; two workers that put the same key do no harm.

        Args:
            key: as `cache_key` makes it.
            arrays: by name, of any shape and number type.
            notes: JSON-able.

        Returns:
            Whether there was room.

        Raises:
            StoreError: `E_WRITE` where the folder cannot be written; a full disk counts as no room.
        """
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        told = json.dumps(dict(notes or {}))
        blob = save(whole, {"notes": told, "sum": _checksum(whole, told)})
        draft = self.folder / f".{secrets.token_hex(8)}.draft"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self._make_room(len(blob)):
                return False
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER), "wb") as stream:
                stream.write(blob)
            os.replace(draft, self.path(key))
        except OSError as error:
            if draft.parent.is_dir():
                draft.unlink(missing_ok=True)
            if error.errno in FULL:
                return False
            reason = errno.errorcode.get(error.errno or 0)
            raise StoreError("E_WRITE", f"an entry of {len(blob)} bytes cannot be kept ({reason})") from None
        self._used.add(key)
        self._held += len(blob)
        return True

    def _make_room(self, size: int) -> bool:
        """Let old entries go until `size` fits; those this process used stay."""
        if size > self.limit_bytes or (size >= self._refused and time.monotonic() < self._closed_until):
            return False
        if self._held + size > self._trusted:
            self._held = self._sweep(size)
            self._trusted = self._held + (self.limit_bytes - self._held) // WORKERS
        fits = self._held + size <= self.limit_bytes
        if not fits:
            self._refused, self._closed_until = size, time.monotonic() + PATIENCE
        return fits

    def _sweep(self, size: int) -> int:
        entries = []
        for place in self.folder.iterdir():
            try:
                facts = place.stat()
            except FileNotFoundError:
                continue  # another worker let it go
            if place.suffix == ".draft" and time.time() - facts.st_mtime > DRAFT_AGE:
                place.unlink(missing_ok=True)
            elif place.suffix == SUFFIX:
                entries.append((facts.st_mtime, facts.st_size, place))
        held = sum(entry[1] for entry in entries)
        aim = self.limit_bytes if held + size <= self.limit_bytes else int(self.limit_bytes * ROOM)
        for _, bytes_held, place in sorted(entries):
            if held + size <= aim:
                break
            if place.stem not in self._used:
                place.unlink(missing_ok=True)
                held -= bytes_held
        return held


def _checksum(arrays: Mapping[str, NDArray[Any]], notes: str) -> str:
    """Sum up bytes, types and shapes: safetensors takes a flipped bit for a number."""
    total = zlib.crc32(notes.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name}|{array.dtype.str}|{array.shape}".encode(), total)
        total = zlib.crc32(array.reshape(-1).view(np.uint8).data, total)
    return f"{total:08x}"
