"""A zip archive of scans -> a folder with all of its files, or nothing at all.

Knows zip archives; trusts nothing that one says of itself: names, sizes and ratios are checked before the first byte is
unpacked and sizes again while it is.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from medres.errors import IntakeError, StoreError

PIECE_BYTES = 1 << 20
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError)


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may ask for.

    Attributes:
        files: most entries.
        total_bytes: most bytes, unpacked.
        ratio: most unpacked bytes for one packed byte, for each file and for all together.
    """

    files: int = 50_000
    total_bytes: int = 2**34
    ratio: float = 100.0


def extract_archive(path: Path, folder: Path, limits: ArchiveLimits | None = None) -> int:
    """Unpack a zip archive into a new folder.

    Files get numbers as names (an archive's names may name patients) below numbered folders, so that files which
    stood together stay together.

    Args:
        path: zip archive.
        folder: folder that is made; it must not be there yet.
        limits: None takes the defaults.

    Returns:
        The number of files.

    Raises:
        IntakeError: `E_ARCHIVE` where a name is absolute, holds `..` or is a link, or where it is too large,
            damaged or encrypted; `E_NOT_FOUND`.
        StoreError: `E_DISK_FULL`, `E_WRITE`.
    """
    limits = limits or ArchiveLimits()
    if not path.is_file():
        raise IntakeError("E_NOT_FOUND", "no file is at this place")
    if folder.exists():
        raise StoreError("E_WRITE", "the folder to unpack into must be new, got one that is there already")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked(archive, limits)
            return _extract_all(archive, entries, folder, limits)
    except DAMAGED as error:
        raise IntakeError(
            "E_ARCHIVE", f"the archive must be a whole zip, got a fault ({type(error).__name__})"
        ) from None
    except OSError as error:
        code = "E_DISK_FULL" if error.errno in (27, 28, 122) else "E_WRITE"
        raise StoreError(
            code, f"the archive cannot be unpacked ({(error.strerror or type(error).__name__).lower()})"
        ) from None


def _checked(archive: zipfile.ZipFile, limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    """Refuse the archive by its directory, before anything is unpacked."""
    entries = archive.infolist()
    if len(entries) > limits.files:
        raise IntakeError("E_ARCHIVE", f"an archive may hold {limits.files} files, got {len(entries)}")
    if len({entry.filename for entry in entries}) < len(entries):
        raise IntakeError("E_ARCHIVE", f"{len(entries)} entries must have different names, got one twice")
    for number, entry in enumerate(entries, 1):
        _refuse_entry(entry, number, limits)
    total, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if total > limits.total_bytes or total > limits.ratio * max(packed, 1) + PIECE_BYTES:
        raise IntakeError("E_ARCHIVE", f"an archive of {packed} bytes must not unpack to {total} bytes")
    return [entry for entry in entries if not entry.is_dir()]


def _refuse_entry(entry: zipfile.ZipInfo, number: int, limits: ArchiveLimits) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise IntakeError("E_ARCHIVE", f"entry {number} must be a file or a folder, got a link or a device")
    if entry.flag_bits & 1:
        raise IntakeError("E_ARCHIVE", f"entry {number} must be readable, got an encrypted one")
    windows, posix = PureWindowsPath(entry.filename), PurePosixPath(entry.filename)
    if windows.drive or windows.root or posix.is_absolute() or ".." in windows.parts or "\0" in entry.filename:
        raise IntakeError(
            "E_ARCHIVE", f"entry {number} must stay inside the archive's folder, got a path that leaves it"
        )
    if entry.file_size > limits.ratio * max(entry.compress_size, 1) + PIECE_BYTES:
        what = f"entry {number} must unpack to at most {limits.ratio:g} times its size"
        raise IntakeError("E_ARCHIVE", f"{what}, got {entry.compress_size} to {entry.file_size} bytes")


def _extract_all(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, limits: ArchiveLimits) -> int:
    """Unpack beside the place and move the whole there, or leave nothing."""
    draft = Path(tempfile.mkdtemp(prefix=".medres-", dir=folder.parent))
    try:
        left = limits.total_bytes
        names = _numbered_names(entries)
        for entry in entries:
            left -= _extract_one(archive, entry, draft / names[entry.filename], left)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return len(entries)


def _numbered_names(entries: list[zipfile.ZipInfo]) -> dict[str, str]:
    """Number folders and files in the order of their names; only known endings are kept."""
    keep = (".dcm", ".nii", ".nii.gz", ".hdr", ".img", ".img.gz", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npz")
    paths = sorted({entry.filename for entry in entries})
    folders = {name: n for n, name in enumerate(sorted({str(PurePosixPath(p).parent) for p in paths}), 1)}
    stems: dict[str, int] = {}
    names = {}
    for path in paths:
        ending = max((e for e in keep if path.lower().endswith(e)), key=len, default="")
        stem = stems.setdefault(path[: len(path) - len(ending)], len(stems) + 1)
        names[path] = f"{folders[str(PurePosixPath(path).parent)]:05d}/{stem:06d}{ending}"
    return names


def _extract_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Unpack one file and count its bytes; its directory entry may have lied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    with archive.open(entry) as source, target.open("xb") as stream:
        while piece := source.read(PIECE_BYTES):
            done += len(piece)
            if done > min(entry.file_size, left):
                raise IntakeError("E_ARCHIVE", f"an entry must unpack to {entry.file_size} bytes, got more")
            stream.write(piece)
    return done
