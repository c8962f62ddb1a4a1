"""What happened -> entries chained by HMAC: a changed, removed or cut entry is found.

Knows no database and no screen. Each entry's seal covers its content and the seal before it, under a key made from the
site's; the head (count and last seal), kept elsewhere, also shows a trail whose end was cut off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medres.errors import StoreError
from medres.io.privacy import SiteKey

PURPOSE = b"medres review trail 1"
FIRST_SEAL = "0" * 64  # what stands before the first entry
HEAD = re.compile(r"(\d{1,12})-([0-9a-f]{64})")


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        number: from 1, without gaps.
        at: UTC, ISO 8601.
        reader: who; a name that the site gave, or "local".
        kind: such as "first_reading".
        study: key of the study, or "" where it is about none.
        body: facts that fit into JSON.
        seal: HMAC-SHA256 (hex) over all of it and the seal before.
    """

    number: int
    at: str
    reader: str
    kind: str
    study: str
    body: Mapping[str, Any] = field(default_factory=dict)
    seal: str = ""


@dataclass(frozen=True)
class Head:
    """The end of a trail, to be kept elsewhere.

    Attributes:
        count: entries.
        seal: of the last one.
    """

    count: int
    seal: str

    def __str__(self) -> str:
        return f"{self.count}-{self.seal}"


def read_head(text: str) -> Head:
    """Read a head that was exported.

    Args:
        text: `str(Head)`.

    Returns:
        The head.

    Raises:
        StoreError: E_REVIEW_HEAD when it is none.

    Example:
        >>> read_head("2-" + "a" * 64).count
        2
    """
    found = HEAD.fullmatch(text.strip())
    if found is None:
        raise StoreError(
            "E_REVIEW_HEAD", f"a head must be a count, a hyphen and 64 hex digits, got {len(text)} characters"
        )
    return Head(int(found[1]), found[2])


def trail_key(key: SiteKey) -> bytes:
    """Derive the trail's own key, so that a seal says nothing of pseudonyms.

    Args:
        key: the site's.

    Returns:
        32 bytes.
    """
    return hmac.new(key.secret, PURPOSE, hashlib.sha256).digest()


def seal(key: bytes, before: str, entry: Entry) -> str:
    """Seal an entry.

    Args:
        key: from `trail_key`.
        before: seal of the entry before, or `FIRST_SEAL`.
        entry: its own seal does not count.

    Returns:
        64 hex digits.

    Source:
        RFC 2104 (HMAC).
    """
    content = [before, entry.number, entry.at, entry.reader, entry.kind, entry.study, dict(entry.body)]
    plain = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()


def verify(entries: Iterable[Entry], key: bytes, head: Head | None = None) -> Head:
    """Prove a trail from its first entry to its last.

    Args:
        entries: in order of their numbers.
        key: from `trail_key`.
        head: exported earlier; the trail must still hold it, and may have grown since.

    Returns:
        The head of today.

    Raises:
        StoreError: E_REVIEW_TRAIL naming the first entry that does not fit, or the entries that were cut off.
    """
    before, count, met = FIRST_SEAL, 0, head is None or (head.count == 0 and head.seal == FIRST_SEAL)
    for entry in entries:
        count += 1
        if entry.number != count:
            raise _broken(f"entry {count} is missing, entry {entry.number} follows entry {count - 1}")
        if not hmac.compare_digest(seal(key, before, entry), entry.seal):
            raise _broken(f"entry {count} was changed, or stands under another site key")
        before = entry.seal
        if head is not None and count == head.count:
            if entry.seal != head.seal:
                raise _broken(f"entry {count} is not the one of the head that was given")
            met = True
    if not met and head is not None:
        raise _broken(f"the trail ends after {count} entries, the head that was given has {head.count}")
    return Head(count, before)


def _broken(what: str) -> StoreError:
    return StoreError("E_REVIEW_TRAIL", what)
