"""A file or folder -> Inventory: every file stands in a Series, or is skipped with a reason.

Files are recognised by their first bytes; names decide nothing. Knows no pixels itself and never follows DICOMDIR.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from medres.errors import IntakeError, describe
from medres.io.file_bytes import CHUNK, FileBytes
from medres.io.grouping import group_slices
from medres.io.header import HeaderReader, NotAScanError
from medres.io.image import inspect_image
from medres.io.instance import Broken, Slice, Source
from medres.io.judging import DicomSeries, inspect_group, series_key
from medres.io.limits import MAX_VOXELS
from medres.io.nifti import inspect_nifti, nifti_files
from medres.io.plan import Options
from medres.io.recognition import recognise
from medres.io.series import Inventory, Series, SkippedFile

Progress = Callable[[int, int], None]

MARK_DIGITS = 8  # hex digits that tell files of equal keys apart


@dataclass
class _Found:
    """What the walk has gathered."""

    planes: list[Slice] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)
    judged: set[Path] = field(default_factory=set)

    def add(self, series: Series, skipped: list[SkippedFile]) -> None:
        """Take in a series that was judged, and the files that were left out of it."""
        self.series.append(series)
        self.judged.update(series.paths)
        for one in skipped:
            self.skip(one)

    def skip(self, file: SkippedFile) -> None:
        """Take in a file that is no scan."""
        self.skipped.append(file)
        self.judged.add(file.path)


def find_series(
    path: Path,
    *,
    headers_only: bool = False,
    allow_gaps: bool = False,
    resample_uneven: bool = False,
    nifti_frame: str | None = None,
    modality: str | None = None,
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
        on_progress: called with (files judged, files in all); where pixels are read, a file counts once they are.
        max_voxels: most voxels of one volume.

    Returns:
        Inventory: series by key, skipped files by number.

    Raises:
        IntakeError: `E_NOT_FOUND` where there is nothing; `E_EMPTY_FOLDER` where the folder holds no file.
    """
    root = Path(path)
    files = list_files(root)
    found = _Found()
    reader = HeaderReader(modality)
    other = _OtherKinds(headers_only, nifti_frame, modality)
    base = root if root.is_dir() else root.parent
    for number, file in enumerate(files, 1):
        _take(file, number, base, reader, other, found)
        if on_progress is not None:
            on_progress(number if headers_only else len(found.judged), len(files))
    options = Options(allow_gaps, resample_uneven, max_voxels)
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


@dataclass(frozen=True)
class _OtherKinds:
    """How files that are no DICOM are inspected."""

    headers_only: bool
    nifti_frame: str | None
    modality: str | None

    def inspect(self, path: Path, kind: str) -> Series:
        """Inspect a NIfTI file or a picture."""
        if kind == "nifti":
            return inspect_nifti(
                path, headers_only=self.headers_only, nifti_frame=self.nifti_frame, modality=self.modality
            )
        return inspect_image(path, headers_only=self.headers_only, modality=self.modality)


def _take(path: Path, number: int, base: Path, reader: HeaderReader, other: _OtherKinds, found: _Found) -> None:
    """Read one file's header into what was found."""
    if path in found.taken:
        return
    try:
        kind = _take_dicom(path, number, base, reader, found)
    except OSError as fault:
        reason = f"it cannot be opened ({fault.strerror or type(fault).__name__})"
        found.skip(SkippedFile(number, "E_UNREADABLE", reason, path))
        return
    except NotAScanError as reason:
        found.skip(SkippedFile(number, reason.code, str(reason), path))
        return
    if kind:
        if kind == "nifti":
            found.taken.update(nifti_files(path))
        found.add(other.inspect(path, kind), [])


def _take_dicom(path: Path, number: int, base: Path, reader: HeaderReader, found: _Found) -> str:
    """Read a DICOM header; for another kind of scan give its name.

    Raises:
        NotAScanError: for everything else.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
        raise NotAScanError("no regular file")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        status = os.fstat(descriptor)
        head = os.pread(descriptor, CHUNK, 0)
        kind = recognise(head, path)
        if kind != "dicom":
            return kind
        folder = str(path.parent.relative_to(base))
        source = Source(path, number, folder, status.st_size, status.st_mtime_ns)
        got = reader.read(source, FileBytes(descriptor, status.st_size, head))
    finally:
        os.close(descriptor)
    if not isinstance(got, Broken):
        found.planes += got
    elif head[128:132] == b"DICM" or got.series_uid:
        found.broken.append(got)
    else:
        raise NotAScanError("a data set without preamble that is no image", "E_NOT_DICOM")
    return ""


def read_header(path: Path, reader: HeaderReader) -> list[Slice]:
    """Read the header of one DICOM file alone.

    Args:
        path: the file.
        reader: holds what files share.

    Returns:
        One Slice per plane.

    Raises:
        IntakeError: what its header refuses; `E_NOT_DICOM` for another kind of file.
    """
    found = _Found()
    try:
        kind = _take_dicom(path, 1, path.parent, reader, found)
    except NotAScanError as reason:
        raise IntakeError("E_NOT_DICOM", f"the file is {reason}") from None
    if found.broken:
        raise IntakeError(found.broken[0].code, found.broken[0].what)
    if kind:
        raise IntakeError("E_NOT_DICOM", f"the file is of another kind ({kind})")
    return found.planes


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
