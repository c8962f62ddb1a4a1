"""A file or folder -> Inventory: every file stands in a Series, or is skipped with a reason.

Files are recognised by their first bytes; names decide nothing. Knows no pixels itself and never follows DICOMDIR.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from medres.errors import IntakeError, describe
from medres.io.gathering import Found, OtherKinds, place_unreadable, take_file
from medres.io.grouping import group_slices
from medres.io.header import HeaderReader
from medres.io.judging import DicomSeries, inspect_group, series_key
from medres.io.limits import MAX_VOXELS
from medres.io.nifti_header import require_frame_name
from medres.io.plan import Options
from medres.io.series import Inventory, Series, SkippedFile

Progress = Callable[[int, int], None]

MARK_DIGITS = 8  # hex digits that tell files of equal keys apart


def find_series(  # noqa: PLR0913 - each is one choice that a caller may leave alone
    path: Path,
    *,
    headers_only: bool = False,
    allow_gaps: bool = False,
    resample_uneven: bool = False,
    nifti_frame: str | None = None,
    modality: str | None = None,
    frame: int | None = None,
    on_progress: Progress | None = None,
    max_voxels: int = MAX_VOXELS,
) -> Inventory:
    """Find every series under a path and judge it.

    Args:
        path: a file or a folder, searched with all its subfolders.
        headers_only: do not read pixels; padding, value range, damaged streams then go unseen.
        allow_gaps: accept missing slices, to be filled by interpolation.
        resample_uneven: accept uneven slices, to be brought onto an even grid.
        nifti_frame: "sform" or "qform" where a NIfTI file's two frames disagree.
        modality: DICOM's word for files that carry none.
        frame: which frame of a cine (such as multi-frame ultrasound) to read as a picture, from 1; None refuses it.
        on_progress: called with (files judged, files in all); where pixels are read, a file counts once they are.
        max_voxels: most voxels of one volume.

    Returns:
        Inventory: series by key, skipped files by number.

    Raises:
        IntakeError: `E_NOT_FOUND` where there is nothing; `E_EMPTY_FOLDER` where the folder holds no file.
        SpecError: `E_SPEC` where `nifti_frame` is another word.
    """
    require_frame_name(nifti_frame)
    root = Path(path)
    files = list_files(root)
    found = Found()
    reader = HeaderReader(modality)
    other = OtherKinds(headers_only, nifti_frame, modality)
    base = root if root.is_dir() else root.parent
    for number, file in enumerate(files, 1):
        take_file(file, number, base, reader, other, found)
        if on_progress is not None:
            on_progress(number if headers_only else len(found.judged), len(files))
    place_unreadable(found)
    options = Options(allow_gaps, resample_uneven, max_voxels, frame)
    for group in group_slices(found.planes, found.broken):
        series = inspect_group(group, headers_only=headers_only, options=options, modality=modality)
        found.add(series, _skipped_slices(series))
        if on_progress is not None and not headers_only:
            on_progress(len(found.judged), len(files))
    return Inventory(
        series=tuple(sorted(_numbered(_placed(found.series, base)), key=lambda s: s.key)),
        skipped=tuple(sorted(found.skipped, key=lambda s: s.number)),
    )


def list_files(root: Path) -> list[Path]:
    """List every file under a path in sorted order; folders reached through links are not entered.

    Raises:
        IntakeError: `E_NOT_FOUND` or `E_EMPTY_FOLDER`.
    """
    if not root.exists():
        raise IntakeError("E_NOT_FOUND", "there is no file or folder at the path given")
    if not root.is_dir():
        return [root]
    files = sorted(_walk(root))
    if not files:
        raise IntakeError("E_EMPTY_FOLDER", "the folder must hold at least one scan, it holds 0 files")
    return files


def _walk(root: Path) -> Iterator[Path]:
    """Give every entry that is no folder."""
    for folder, folders, names in os.walk(root):
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *linked):
            yield Path(folder, name)


def _skipped_slices(series: DicomSeries) -> list[SkippedFile]:
    """List files whose every slice was left out of a series."""
    used = set(series.paths)
    return [
        SkippedFile(plane.source.number, code, describe(code), plane.source.path)
        for plane, code in series.dropped
        if plane.source.path not in used
    ]


def _placed(series: list[Series], base: Path) -> list[Series]:
    """Mark keys that are equal (files of one grid, a scan stored twice) by their place: a file more changes none.

    A place may tell a name: only its keyed pseudonym is shown.
    """
    counts = Counter(one.key for one in series)
    return [
        one if counts[one.key] == 1 else replace(one, key=f"{one.key}-{_mark(one, base)}")
        for one in sorted(series, key=lambda s: s.key)
    ]


def _mark(series: Series, base: Path) -> str:
    places = [path.relative_to(base).as_posix() for path in series.paths[:1]]
    return series_key(("place", *places))[:MARK_DIGITS]


def _numbered(series: list[Series]) -> Iterator[Series]:
    """Number keys that are equal even so."""
    counts = Counter(one.key for one in series)
    seen: Counter[str] = Counter()
    for one in series:
        seen[one.key] += 1
        yield one if counts[one.key] == 1 else replace(one, key=f"{one.key}-{seen[one.key]}")
