"""Series beside the one that is read -> the entries of the list that a reader chooses from.

Knows words; knows no file and no screen. Nothing that a person typed stands in it, so that no name can.
"""

from __future__ import annotations

from typing import Any

from medres.review.beside import Beside
from medres.review.opinion import warning_words
from medres.review.reformat import TITLE

OWN_GROUP = "This study"
REFORMATTED = "~axes"  # ends the key of a reformatted series


def describe_series(beside: Beside, *, subject: bool, thumb: str = "") -> dict[str, Any]:
    """Say what the list shows of one series.

    Args:
        beside: the series.
        subject: whether it is the one that is read.
        thumb: address of its picture, or "".

    Returns:
        Fits into JSON.
    """
    item = beside.item
    refused = not item.readable
    warnings = warning_words(item.warnings)
    return {
        "key": item.key,
        "title": title_of(beside),
        "detail": detail_of(beside),
        "modality": item.modality,
        "group": group_of(beside),
        "prior": beside.prior,
        "later": beside.later,
        "verdict": "refused" if refused else "warned" if warnings else "ok",
        "warnings": warnings,
        "reason": _reason(item.code, item.message) if refused else "",
        "readable": not refused,
        "subject": subject,
        "reformatted": False,
        "opens": not subject and not refused and beside.same_study,
        "thumb": "" if refused else thumb,
    }


def _reason(code: str, message: str) -> str:
    """Say why, with the code once."""
    return message if message.startswith(code) else f"{code}: {message}"


def describe_reformatted(of: Beside) -> dict[str, Any]:
    """Say what the list shows of a series laid onto the patient's axes.

    Args:
        of: the series as it was made.

    Returns:
        Fits into JSON.
    """
    entry = describe_series(of, subject=False)
    own = {"key": of.item.key + REFORMATTED, "title": TITLE.capitalize(), "detail": title_of(of)}
    return entry | own | {"opens": False, "reformatted": True}


def title_of(beside: Beside) -> str:
    """Name a series by its modality, plane and part of the body.

    Args:
        beside: the series.

    Returns:
        Such as "CT axial abdomen".
    """
    words = [beside.item.modality or "Scan", beside.heading.plane, beside.heading.body_part.lower()]
    return " ".join(word for word in words if word)


def detail_of(beside: Beside) -> str:
    """Say what tells a series from its neighbours: number, size, times, contrast.

    Args:
        beside: the series.

    Returns:
        Such as "series 3, 512 × 512 × 20, TR 500 TE 12"; "" where nothing is known.
    """
    heading, series = beside.heading, beside.item.series
    facts = [f"series {heading.number}" if heading.number is not None else ""]
    if series is not None and series.shape is not None:
        facts.append(" × ".join(str(n) for n in series.shape))
    if heading.repetition_ms is not None and heading.echo_ms is not None:
        facts.append(f"TR {heading.repetition_ms:.0f} TE {heading.echo_ms:.0f}")
    facts.append("contrast" if heading.contrast else "")
    return ", ".join(fact for fact in facts if fact)


def group_of(beside: Beside) -> str:
    """Say which study a series belongs to, one of another study by how far apart the two are.

    Args:
        beside: the series.

    Returns:
        Such as "Prior, 184 days before" or "Later study, 184 days after".
    """
    if beside.same_study:
        return OWN_GROUP
    name, side = ("Later study", "after") if beside.later else ("Prior", "before")
    if beside.days_before is None:
        return f"{name}, date not given"
    if beside.days_before == 0:
        return f"{name}, same day"
    days = abs(beside.days_before)
    return f"{name}, {days} {'day' if days == 1 else 'days'} {side}"
