"""A folder of scans -> what was found in it: each scan read once, or its refusal.

Reads through medres.io; knows no label. Names and identifiers are compared here and kept nowhere.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from medres.datasets.rows import Manifest
from medres.errors import MedresError, describe
from medres.io import find_series, read_series
from medres.io.scan import list_files
from medres.io.series import Series
from medres.volume import Volume

DESCRIBED_BY = ("SeriesDescription", "ProtocolName")  # DICOM keywords, PS3.3 C.7.3.1


@dataclass(frozen=True)
class Refusal:
    """A scan or file that did not become a row.

    Attributes:
        number: of its (first) file among all files of the source in sorted order, as `medres inspect` counts them.
        code: why.
        message: why, in words; no name and no path.
    """

    number: int
    code: str
    message: str


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a source gave.

    Attributes:
        manifest: rows that can be learnt from.
        refusals: the rest, each with its code.
        notes: what a reader must know, in words.
    """

    manifest: Manifest
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Found:
    """One scan of a source, read once.

    Attributes:
        path: relative to the source: the file, or the folder of a DICOM series.
        series: key, where the folder holds several.
        description: what tells a sequence: a DICOM series' description, else the file's name.
        volume: None where it was refused.
        code: why it was refused, or "".
        message: in words.
        number: of its (first) file among all files of the source in sorted order.
    """

    path: Path
    series: str = ""
    description: str = ""
    volume: Volume | None = None
    code: str = ""
    message: str = ""
    number: int = 0


def find_scans(folder: Path, source: Path, modality: str | None = None) -> Iterator[Found]:
    """Find and read every scan under a folder, one at a time; what cannot be read is told, never raised.

    Args:
        folder: to look in.
        source: what paths become relative to.
        modality: for files that do not say theirs.

    Yields:
        Scans in the order of their paths.
    """
    inventory = find_series(folder, headers_only=True, modality=modality)
    numbers = {path: number for number, path in enumerate(list_files(source), start=1)}
    held: dict[Path, int] = defaultdict(int)
    for series in inventory.series:
        held[_place(series)] += 1
    for series in sorted(inventory.series, key=lambda one: (str(one.paths[0]), one.key)):
        place = _place(series)
        key = _key_in(place, series, modality) if held[place] > 1 else ""
        found = _read(series, Path(os.path.relpath(place, source)), key, modality)
        yield replace(found, number=min(numbers.get(path, 0) for path in series.paths))
    for skipped in inventory.skipped:
        yield Found(Path(), code=skipped.code, message=skipped.reason, number=numbers.get(skipped.path, 0))


def _place(series: Series) -> Path:
    """Name what a row points at: the only file, or the folder of several."""
    return series.paths[0] if series.kind != "dicom" or series.file_count == 1 else series.paths[0].parent


def _key_in(place: Path, series: Series, modality: str | None) -> str:
    """Give the key under which `read(place, series=...)` finds the series."""
    found = find_series(place, headers_only=True, modality=modality).series
    return next((one.key for one in found if one.paths == series.paths), series.key)


def _read(series: Series, path: Path, key: str, modality: str | None) -> Found:
    told = describe_series(series)
    try:
        volume = read_series(series, modality=modality)
    except MedresError as error:
        return Found(path, key, told, code=error.code, message=f"{error.what} - {error.cure}")
    if not volume.modality:
        return Found(path, key, told, code="E_NO_MODALITY", message=describe("E_NO_MODALITY"))
    return Found(path, key, told, volume)


def describe_series(series: Series) -> str:
    """Say in the maker's words what a series shows; for comparison only, since people write names into it.

    Args:
        series: as found.

    Returns:
        Description and protocol of a DICOM series; the file's name otherwise.
    """
    if series.kind != "dicom":
        return series.paths[0].name
    try:
        header = pydicom.dcmread(series.paths[0], specific_tags=list(DESCRIBED_BY), stop_before_pixels=True, force=True)
    except (InvalidDicomError, OSError, EOFError, ValueError):
        return ""
    return " ".join(str(header.get(keyword, "") or "") for keyword in DESCRIBED_BY).strip()
