"""Rows of single sequences -> one row for each study, with a path for each channel.

Knows rows and descriptions; opens nothing. A study that lacks a channel, or offers two scans for one, is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from medres.datasets.found import Found, Refusal
from medres.datasets.rows import SERIES_OF, ManifestRow
from medres.errors import StoreError

NAME = re.compile(r"[A-Za-z0-9_]+")
Patterns = Mapping[str, re.Pattern[str]]


@dataclass(frozen=True, eq=False)
class SingleSequence:
    """One sequence on its way to a row.

    Attributes:
        study: what joins it with others.
        channel: which it is.
        row: of itself alone; its label is "" where the table says none.
        number: of its (first) file in the source.
    """

    study: Hashable
    channel: str
    row: ManifestRow
    number: int = 0


def read_channels(text: str) -> dict[str, re.Pattern[str]]:
    """Read channels as the command line gives them.

    Args:
        text: such as `t1c=T1.*(gd|post),flair=FLAIR`: names and regular expressions, searched for in a series'
            description or a file's name, capitals or not. A comma begins the next channel where `name=` follows.

    Returns:
        Name to pattern, in order.

    Raises:
        StoreError: `E_USAGE`.

    Example:
        >>> list(read_channels("t1c=t1.{1,3}gd,flair=flair"))
        ['t1c', 'flair']
    """
    found: dict[str, re.Pattern[str]] = {}
    for part in re.split(r",(?=\w+=)", text):
        name, _, pattern = (piece.strip() for piece in part.partition("="))
        if not NAME.fullmatch(name) or not pattern or name in found:
            told = f"--channels must be NAME=PATTERN,NAME=PATTERN with different names, got {part!r}"
            raise StoreError("E_USAGE", told, "such as t1c=T1.*GD,flair=FLAIR")
        try:
            found[name] = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise StoreError(
                "E_USAGE", f"--channels must hold regular expressions, got {pattern!r} ({error})"
            ) from None
    return found


def find_channel(found: Found, patterns: Patterns) -> str:
    """Say which channel a scan is; "" where no pattern meets its description. The first pattern that does counts.

    Args:
        found: a scan.
        patterns: by name.
    """
    return next((name for name, pattern in patterns.items() if pattern.search(found.description)), "")


def study_of(found: Found) -> Hashable:
    """Say what joins the sequences of one study: the header's study, else the folder that the files share.

    Args:
        found: a scan that was read.
    """
    uid = found.volume.origin.study_instance_uid if found.volume is not None else ""
    return ("study", uid) if uid else ("folder", found.path.parent.as_posix())


def join_channels(
    sequences: Iterable[SingleSequence], channels: Sequence[str]
) -> tuple[list[ManifestRow], list[Refusal], int]:
    """Join the sequences of each study to one row.

    Args:
        sequences: of all studies.
        channels: that every row must have, in order.

    Returns:
        Rows, refusals (numbered by the first file of each study), and how many studies there were.
    """
    studies: dict[Hashable, list[SingleSequence]] = defaultdict(list)
    for sequence in sequences:
        studies[sequence.study].append(sequence)
    rows, refusals = [], []
    for members in studies.values():
        fault = _fault(members, channels)
        if fault:
            refusals.append(Refusal(min(one.number for one in members), *fault))
        else:
            rows.append(_joined({one.channel: one.row for one in members}, channels))
    return rows, refusals, len(studies)


def _fault(members: Sequence[SingleSequence], channels: Sequence[str]) -> tuple[str, str] | None:
    held = [one.channel for one in members]
    missing = [name for name in channels if name not in held]
    if missing:
        return "E_CHANNEL_MISSING", f"a study must have {', '.join(channels)}, got none for {', '.join(missing)}"
    twice = [name for name in channels if held.count(name) > 1]
    if twice:
        told = f"each channel must be one series, got {held.count(twice[0])} for {twice[0]}"
        return "E_SERIES_AMBIGUOUS", f"{told} - make the pattern of --channels narrower, or name series in the table"
    labels = {one.row.label for one in members} - {""}
    if len(labels) != 1:
        return "E_MANIFEST_LABEL", f"a study must have one label, got {len(labels)}"
    return None


def _joined(rows: Mapping[str, ManifestRow], channels: Sequence[str]) -> ManifestRow:
    ordered = {channel: rows[channel] for channel in channels}
    first = next((row for row in ordered.values() if row.label), rows[channels[0]])
    series = {f"{SERIES_OF}{channel}": row.series for channel, row in ordered.items() if row.series}
    modalities = {row.modality for row in ordered.values()}
    return replace(
        first,
        paths={channel: next(iter(row.paths.values())) for channel, row in ordered.items()},
        patient_id=next((row.patient_id for row in ordered.values() if row.patient_id), ""),
        modality=first.modality if len(modalities) == 1 else "",
        spacing_known=all(row.spacing_known for row in ordered.values()),
        extra={**{name: text for name, text in first.extra.items() if name != "series"}, **series},
    )
