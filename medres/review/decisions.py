"""Readings of studies <-> the trail: first reading, what was revealed, final reading; and where each study stands.

Knows the store; knows no screen, no scan and no network. Key images stand in `key_images.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from medres.errors import StoreError
from medres.review.opinion import Opinion
from medres.review.store import ReviewStore
from medres.review.trail import Entry

Finding = Literal["positive", "negative", "unsure"]
Agreement = Literal["", "agree", "disagree", "unsure"]
Stage = Literal["first", "final"]
Standing = Literal["new", "begun", "read", "discordant"]

KINDS = {"first": "first_reading", "final": "final_reading"}
REVEALED, POLICY, OPENED = "revealed", "policy", "opened"
CONFIDENCES = range(1, 6)
LONGEST_NOTE = 2000  # characters


@dataclass(frozen=True)
class Reading:
    """What a reader found.

    Attributes:
        stage: "first" (before the model's opinion) or "final".
        finding: "positive", "negative" or "unsure", about the model's positive label.
        confidence: 1 (a guess) to 5 (certain).
        agreement: with the model; "" at the first reading or without a model.
        mark_mm: (3,), RAS+ mm, where the reader sees it, or the centre of the ellipse about it; None without a mark.
        note: free text.
        seconds: spent since the study was opened.
        mark_plane: plane that the ellipse lies in, or "" where only a point is marked.
        mark_axes_mm: (2,), half-axes of the ellipse along the plane's columns and rows, mm; None for a point.
    """

    stage: Stage
    finding: Finding
    confidence: int
    agreement: Agreement = ""
    mark_mm: tuple[float, float, float] | None = None
    note: str = ""
    seconds: float = 0.0
    mark_plane: str = ""
    mark_axes_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        checks = (
            (self.stage, get_args(Stage), "stage"),
            (self.finding, get_args(Finding), "finding"),
            (self.agreement, get_args(Agreement), "agreement"),
            (self.confidence, tuple(CONFIDENCES), "confidence"),
        )
        for value, allowed, name in checks:
            if value not in allowed:
                raise StoreError("E_USAGE", f"{name} must be one of {allowed}, got {value!r}")
        if len(self.note) > LONGEST_NOTE:
            raise StoreError("E_USAGE", f"a note must have at most {LONGEST_NOTE} characters, got {len(self.note)}")


@dataclass(frozen=True)
class Progress:
    """How far one reader came with one study.

    Attributes:
        first, final: the newest readings, or None.
        revealed: whether the model's opinion was shown.
        model: what the model had said when the final reading was recorded.
    """

    first: Reading | None = None
    final: Reading | None = None
    revealed: bool = False
    model: Mapping[str, Any] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether the reader has neither read nor seen the model's opinion."""
        return self.first is None and self.final is None and not self.revealed

    @property
    def standing(self) -> Standing:
        """Where the study stands for this reader."""
        if self.final is None:
            return "begun" if self.first is not None or self.revealed else "new"
        told = self.model.get("decision")
        against = told in ("positive", "negative") and self.final.finding not in (told, "unsure")
        return "discordant" if against or self.final.agreement == "disagree" else "read"


def record_reading(
    store: ReviewStore, reader: str, study: str, reading: Reading, *, said: Opinion | None = None, scan_digest: str = ""
) -> Entry:
    """Write a reading at once.

    Args:
        store: where.
        reader: who.
        study: key of the study.
        reading: what was found.
        said: the model's opinion of it, kept beside it, or None.
        scan_digest: of the scan that was read.

    Returns:
        The entry.

    Raises:
        StoreError: when it could not be written; then nothing of it was.
    """
    body = {"reading": asdict(reading), "scan_digest": scan_digest, "model": _said(said)}
    return store.append(reader, KINDS[reading.stage], study, body)


def _said(said: Opinion | None) -> dict[str, Any]:
    if said is None:
        return {}
    names = ("decision", "probability", "threshold", "model_name", "model_version", "model_digest")
    return {name: getattr(said, name) for name in names}


def record_reveal(store: ReviewStore, reader: str, study: str, *, before_reading: bool) -> Entry:
    """Write that the model's opinion was shown.

    Args:
        store: where.
        reader: who.
        study: key of the study.
        before_reading: whether no first reading had been recorded.

    Returns:
        The entry.
    """
    return store.append(reader, REVEALED, study, {"before_reading": before_reading})


def progress_of(entries: Iterable[Entry]) -> dict[str, dict[str, Progress]]:
    """Fold a trail into where each study stands.

    Args:
        entries: in their order.

    Returns:
        By study key, by reader.
    """
    found: dict[str, dict[str, Progress]] = {}
    for entry in entries:
        if entry.study:
            readers = found.setdefault(entry.study, {})
            readers[entry.reader] = _advanced(readers.get(entry.reader, Progress()), entry)
    return found


def _advanced(before: Progress, entry: Entry) -> Progress:
    if entry.kind == REVEALED:
        return Progress(before.first, before.final, True, before.model)
    if entry.kind == KINDS["first"]:
        return Progress(reading_of(entry), before.final, before.revealed, before.model)
    if entry.kind == KINDS["final"]:
        return Progress(before.first, reading_of(entry), True, entry.body.get("model", {}))
    return before


def reading_of(entry: Entry) -> Reading:
    """Take the reading out of an entry.

    Args:
        entry: of kind "first_reading" or "final_reading".

    Returns:
        The reading.
    """
    fields = dict(entry.body["reading"])
    pairs = {name: tuple(fields[name]) if fields.get(name) else None for name in ("mark_mm", "mark_axes_mm")}
    return Reading(**{**fields, **pairs})
