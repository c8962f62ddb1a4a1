"""A patient's identifier + the site's key -> a pseudonym that only the site can follow back.

Knows keys and hashes; knows no scan. Also keeps pydicom quiet, whose warnings quote header values.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from medres.errors import StoreError

KEY_BYTES = 32
PSEUDONYM_DIGITS = 16
KEY_VARIABLE = "MEDRES_SITE_KEY"
FOLDER_VARIABLE = "MEDRES_CONFIG"
LINK_TABLE = "CREATE TABLE IF NOT EXISTS link (pseudonym TEXT PRIMARY KEY, identifier TEXT NOT NULL)"


@dataclass(frozen=True)
class SiteKey:
    """The secret under which a site's pseudonyms are made.

    Attributes:
        secret: never shown, never written but into the key file.

    Example:
        >>> SiteKey(b"0" * 32)
        SiteKey(fingerprint='698cbf01')
    """

    secret: bytes

    def __repr__(self) -> str:
        return f"SiteKey(fingerprint={self.fingerprint!r})"

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell two keys apart and say nothing of either."""
        return hmac.new(self.secret, b"medres site key fingerprint", hashlib.sha256).hexdigest()[:8]


def load_site_key(path: Path | None = None) -> SiteKey:
    """Read the site's key, or make it at first use.

    Args:
        path: key file; None takes the file that `MEDRES_SITE_KEY` names, else `site.key` in the configuration folder.
            A file that was named must exist; the one in the configuration folder is made (mode 600) when absent.

    Returns:
        The key.

    Raises:
        StoreError: `E_KEY_FILE` where the file cannot be read or is too short, `E_WRITE` where it cannot be made.
    """
    named = path or (Path(os.environ[KEY_VARIABLE]) if os.environ.get(KEY_VARIABLE) else None)
    if named is not None:
        return _read_key(named)
    own = configuration_folder() / "site.key"
    if not own.exists():
        _make_key(own)
    return _read_key(own)


def pseudonym(key: SiteKey, text: str) -> str:
    """Give the keyed pseudonym of an identifier.

    Args:
        key: the site's key.
        text: identifier, such as a PatientID with its issuer; surrounding blanks do not matter.

    Returns:
        16 hex digits of HMAC-SHA256; "" for an empty identifier.

    Source:
        RFC 2104; PS3.15 E.3.9 (consistent pseudonyms need a secret).

    Example:
        >>> pseudonym(SiteKey(b"0" * 32), "A-1")
        'ca4dfa701e0c8121'
    """
    plain = text.strip().strip("\0").strip()
    if not plain:
        return ""
    return hmac.new(key.secret, plain.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def reading_key() -> SiteKey:
    """Give the key under which this process names what it reads.

    Returns:
        The site's key; where none is there and none can be kept (a configuration folder that cannot be written), one
        that lives as long as this process: names made with it hold for this run alone.

    Raises:
        StoreError: `E_KEY_FILE` where a key file was named and cannot be used.
    """
    return _reading_key(*_key_places())[0]


def key_is_kept() -> bool:
    """Tell whether `reading_key` is the site's, so that names made with it hold for other runs too."""
    return _reading_key(*_key_places())[1]


def _key_places() -> tuple[str, str]:
    """Tell where the key is looked for, so that a cached one is not used for another place."""
    return os.environ.get(KEY_VARIABLE, ""), str(configuration_folder())


@lru_cache(maxsize=8)
def _reading_key(key_place: str, folder: str) -> tuple[SiteKey, bool]:
    try:
        return load_site_key(), True
    except StoreError as fault:
        if fault.code != "E_WRITE":
            raise
    return SiteKey(secrets.token_bytes(KEY_BYTES)), False


def remember_link(key: SiteKey, text: str, table: Path | None = None) -> str:
    """Write the way back from a pseudonym into the site's local link table.

    Args:
        key: the site's key.
        text: identifier.
        table: SQLite file; None takes the one in the configuration folder, of this key.

    Returns:
        The pseudonym.

    Raises:
        StoreError: `E_WRITE`.
    """
    name = pseudonym(key, text)
    if not name:
        return name
    try:
        with closing(_open_links(table or links_path(key))) as links, links:
            links.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", (name, text.strip()))
    except (OSError, sqlite3.Error) as error:
        raise StoreError("E_WRITE", f"the link table cannot be written ({type(error).__name__})") from None
    return name


def patient_key(identifier: str) -> str:
    """Give a patient's pseudonym under this site's key, and keep the way back.

    The key is read once for each key file. A link table that cannot be written loses only the way back, not the scan.
    Where no key can be kept there is no pseudonym either: one that nobody can repeat would tell patients apart wrongly.

    Args:
        identifier: PatientID, with its issuer where one is given; "" where the file names none.

    Returns:
        16 hex digits, or "".

    Raises:
        StoreError: `E_KEY_FILE` where there is an identifier and the key file that was named cannot be used.
    """
    return _remembered(*_key_places(), identifier) if identifier else ""


@lru_cache(maxsize=100_000)
def _remembered(key_place: str, folder: str, identifier: str) -> str:
    """Make a pseudonym and its link once in a process; the first two arguments only tell places apart."""
    key, kept = _reading_key(key_place, folder)
    if not kept:
        return ""
    with suppress(StoreError):
        remember_link(key, identifier)
    return pseudonym(key, identifier)


def find_link(key: SiteKey, name: str, table: Path | None = None) -> str | None:
    """Follow a pseudonym back to its identifier.

    Args:
        key: the site's key.
        name: pseudonym, 16 hex digits.
        table: SQLite file; None takes the one in the configuration folder, of this key.

    Returns:
        The identifier, or None where this site never saw it.
    """
    place = table or links_path(key)
    if not place.exists():
        return None
    with closing(_open_links(place)) as links:
        row = links.execute("SELECT identifier FROM link WHERE pseudonym = ?", (name.strip().lower(),)).fetchone()
    return None if row is None else str(row[0])


def links_path(key: SiteKey) -> Path:
    """Say where the link table of this key lies."""
    return configuration_folder() / f"links-{key.fingerprint}.sqlite"


def configuration_folder() -> Path:
    """Say where the user's configuration of medres lies; `MEDRES_CONFIG` moves it."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "medres"


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's warnings and log lines, which quote header values, from anyone's eyes while the block runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        silence_pydicom()
        yield


def silence_pydicom() -> None:
    """Turn pydicom's (and nibabel's) own logging off, and its warnings too, for the rest of the process."""
    for name in ("pydicom", "nibabel", "nibabel.global", "highdicom", "PIL"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    for module in ("pydicom", "nibabel", "highdicom", "PIL"):
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")


def _read_key(path: Path) -> SiteKey:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError("E_KEY_FILE", f"the key file must be readable text, got {type(error).__name__}") from None
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) < KEY_BYTES:
        raise StoreError("E_KEY_FILE", f"a site key must be {2 * KEY_BYTES} hex digits, got {len(text)} characters")
    return SiteKey(secret)


def _make_key(path: Path) -> None:
    """Write a new key so that only its owner can read it, and so that two makers at once end with one key."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(KEY_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # fails where another process was first
        except FileExistsError:
            return
        finally:
            draft.unlink()
    except OSError as error:
        cure = f"name a key file with {KEY_VARIABLE}, or with {FOLDER_VARIABLE} a folder that can be written"
        raise StoreError("E_WRITE", f"the site key cannot be kept ({(error.strerror or '').lower()})", cure) from None


def _open_links(path: Path) -> sqlite3.Connection:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    links = sqlite3.connect(path, timeout=30.0)
    links.execute(LINK_TABLE)
    return links
