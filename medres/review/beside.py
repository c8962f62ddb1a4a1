"""One item of the worklist -> the series beside it: the rest of its study, refused ones too, and the patient's others.

Knows headers and pseudonyms; knows no screen. What has no study in its header stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from medres.io.heading import Heading, read_heading
from medres.review.worklist import Worklist, WorklistItem

HEADINGS_KEPT = 20_000


@dataclass(frozen=True, eq=False)
class Beside:
    """A series that can be shown beside another.

    Attributes:
        item: of the worklist.
        heading: what its header says; empty where it says nothing.
        prior: whether it is of an earlier study of the same patient.
        later: whether it is of a later one.
        days_before: by how many days its study is the earlier one, below 0 for a later one, or None where a date is
            missing.
    """

    item: WorklistItem
    heading: Heading = field(default_factory=Heading)
    prior: bool = False
    later: bool = False
    days_before: int | None = None

    @property
    def same_study(self) -> bool:
        """Whether it is of the study that is read."""
        return not (self.prior or self.later)


def series_beside(worklist: Worklist, item: WorklistItem) -> tuple[Beside, ...]:
    """List what can be shown beside one series, the series itself among it.

    Args:
        worklist: the item's own.
        item: the series that is read.

    Returns:
        The series of its study by their numbers, then those of priors and of later studies, the nearest first.
    """
    own = heading_of(item)
    mates, others = [Beside(item, own)], []
    for other in _one_by_series(worklist, item):
        heading = heading_of(other)
        if _same_study(item, own, other, heading):
            mates.append(Beside(other, heading))
        elif own.patient_key and heading.patient_key == own.patient_key and heading.study_key != own.study_key:
            others.append(_of_another_study(item, own, other, heading))
    others.sort(key=lambda one: (one.later, _distance(one), one.heading.study_key, _place(one)))
    return (*sorted(mates, key=_place), *others)


def heading_of(item: WorklistItem) -> Heading:
    """Read what an item's header says; pseudonyms that the ledger knows stand where the file is gone.

    Args:
        item: of any status.

    Returns:
        The heading, empty for files without one.
    """
    path = first_path(item)
    found = _heading(path) if path is not None else None
    if found is not None:
        return found
    return Heading(item.patient_key, item.row.study_key if item.row else "")


def first_path(item: WorklistItem) -> Path | None:
    """Give an item's first file, or None where nobody knows it."""
    if item.series is not None:
        return item.series.paths[0] if item.series.paths else None
    if item.base is None or item.row is None or not item.row.relative_path:
        return None
    return item.base / item.row.relative_path


@lru_cache(maxsize=HEADINGS_KEPT)
def _heading(path: Path) -> Heading | None:
    return read_heading(path)


def _one_by_series(worklist: Worklist, item: WorklistItem) -> list[WorklistItem]:
    """Give each other series that may belong here once."""
    found: dict[str, WorklistItem] = {}
    for one in worklist.items:
        if one.series_key != item.series_key and _may_belong(item, one):
            found.setdefault(one.series_key, one)
    return list(found.values())


def _may_belong(item: WorklistItem, other: WorklistItem) -> bool:
    """Let the ledger's pseudonyms spare the reading of thousands of headers."""
    mine, its = item.row, other.row
    if mine is None or its is None or not (mine.study_key and its.study_key):
        return True
    return mine.study_key == its.study_key or (bool(mine.patient_key) and mine.patient_key == its.patient_key)


def _same_study(item: WorklistItem, own: Heading, other: WorklistItem, heading: Heading) -> bool:
    if own.study_key and heading.study_key:
        return own.study_key == heading.study_key
    if not own.study_key or other.readable:
        return False
    mine, its = first_path(item), first_path(other)  # refused, its header not readable
    return mine is not None and its is not None and mine.parent == its.parent


def _of_another_study(item: WorklistItem, own: Heading, other: WorklistItem, heading: Heading) -> Beside:
    """Tell whether a study of the same patient is the earlier one: by its date, else by the order of the files."""
    days = own.day - heading.day if own.day is not None and heading.day is not None else None
    if days:
        return Beside(other, heading, days > 0, days < 0, days)
    mine, its = first_path(item), first_path(other)
    earlier = mine is not None and its is not None and its < mine
    return Beside(other, heading, earlier, not earlier, days)


def _distance(one: Beside) -> tuple[bool, int]:
    """Sort by how far apart the studies are, those without a date last."""
    return one.days_before is None, abs(one.days_before or 0)


def _place(one: Beside) -> tuple[bool, int, str]:
    """Sort by the series' own number, those without one last."""
    number = one.heading.number
    return number is None, number or 0, one.item.series_key
