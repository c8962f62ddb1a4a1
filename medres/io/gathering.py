"""The files of a folder -> their headers, gathered one by one; what is no scan is set aside with its reason.

Recognises and opens files; judges no series.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from medres.errors import IntakeError
from medres.io.file_bytes import CHUNK, FileBytes
from medres.io.header import HeaderReader, HollowError, NotAScanError
from medres.io.image import inspect_image
from medres.io.instance import Broken, Slice, Source
from medres.io.nifti import inspect_nifti, nifti_files
from medres.io.recognition import recognise
from medres.io.series import Series, SkippedFile


@dataclass
class Found:
    """What the walk has gathered.

    Attributes:
        planes: of all DICOM files.
        broken: DICOM files that cannot be read.
        series: judged so far.
        skipped: no scans.
        unreadable: files that the system does not give, or that end before they begin; what they are is not known.
        taken: files that another file brought along (the image of a NIfTI pair).
        judged: files that stand in `series` or `skipped`.
    """

    planes: list[Slice] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    unreadable: list[Broken] = field(default_factory=list)
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


@dataclass(frozen=True)
class OtherKinds:
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


def take_file(path: Path, number: int, base: Path, reader: HeaderReader, other: OtherKinds, found: Found) -> None:
    """Read one file's header into what was found.

    Args:
        path: the file.
        number: its place (from 1) among all files.
        base: the folder that was asked for.
        reader: of DICOM headers.
        other: how NIfTI files and pictures are inspected.
        found: takes the file in, whatever it is.
    """
    if path in found.taken:
        return
    source = Source(path, number, _folder(path, base), 0, 0)
    try:
        kind = _take_dicom(path, number, base, reader, found)
    except OSError as fault:
        reason = f"it cannot be read ({fault.strerror or type(fault).__name__})"
        found.unreadable.append(Broken(source, "", "", "E_UNREADABLE", f"every file must be readable: {reason}"))
        return
    except HollowError as reason:
        found.unreadable.append(Broken(source, "", "", "E_TRUNCATED", f"every file must hold what it is: {reason}"))
        return
    except NotAScanError as reason:
        found.skip(SkippedFile(number, reason.code, str(reason), path))
        return
    if kind:
        if kind == "nifti":
            found.taken.update(nifti_files(path))
        found.add(other.inspect(path, kind), [])


def _folder(path: Path, base: Path) -> str:
    """Name a file's folder within the one that was asked for."""
    return str(path.parent.relative_to(base))


def place_unreadable(found: Found) -> None:
    """Count a file that cannot be read among the slices of its folder, for it may be one; elsewhere skip it.

    One that ends before it begins is counted where it is called like a slice, but for the digits.
    """
    folders = {plane.source.folder for plane in found.planes}
    names = {(plane.source.folder, _form(plane.source.path)) for plane in found.planes}
    for file in found.unreadable:
        place = file.source.folder
        if (place, _form(file.source.path)) in names if file.code == "E_TRUNCATED" else place in folders:
            found.broken.append(file)
        else:
            reason, code = file.what.partition(": ")[2], file.code.replace("E_TRUNCATED", "W_SKIPPED_FILES")
            found.skip(SkippedFile(file.source.number, code, reason, file.source.path))


def _form(path: Path) -> str:
    """Give a file's name without its numbers."""
    return re.sub(r"\d+", "0", path.name)


def _take_dicom(path: Path, number: int, base: Path, reader: HeaderReader, found: Found) -> str:
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
        source = Source(path, number, _folder(path, base), status.st_size, status.st_mtime_ns)
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
    found = Found()
    try:
        kind = _take_dicom(path, 1, path.parent, reader, found)
    except NotAScanError as reason:
        raise IntakeError("E_NOT_DICOM", f"the file is {reason}") from None
    if found.broken:
        raise IntakeError(found.broken[0].code, found.broken[0].what)
    if kind:
        raise IntakeError("E_NOT_DICOM", f"the file is of another kind ({kind})")
    return found.planes
