"""What a reader uploads -> a folder of scans with numbers for names, or a refusal and nothing.

Knows archives and file heads; an uploaded name is never a path, and only its ending is read.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medres.errors import IntakeError, StoreError
from medres.io.archive import extract_archive

ENDINGS = (".nii.gz", ".nii", ".dcm", ".png", ".jpg", ".jpeg")
ZIP_HEAD = b"PK\x03\x04"
PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
LARGEST = 2 * 2**30  # bytes of one upload
MOST_FILES = 20_000
PIECE = 2**20


@dataclass(frozen=True)
class Received:
    """What became of an upload.

    Attributes:
        files: kept.
        left_out: files of a kind that is no scan, such as a text beside it.
    """

    files: int
    left_out: int = 0


def receive(given: Sequence[tuple[str, BinaryIO]], folder: Path, *, largest: int = LARGEST) -> Received:
    """Put one upload into a folder of its own: all of it that can be a scan, or nothing.

    Args:
        given: for each file its name, as the browser gave it (only the ending counts), and its bytes.
        folder: made here, mode 700; must not be there yet.
        largest: most bytes, of all files together.

    Returns:
        How many files were kept. Of several, those of another kind are left out; one alone is refused.

    Raises:
        IntakeError: E_UPLOAD for a program, an unknown kind, too many bytes or files; E_ARCHIVE for an unsafe archive.
        StoreError: E_DISK_FULL or E_WRITE.
    """
    if not 1 <= len(given) <= MOST_FILES:
        raise IntakeError("E_UPLOAD", f"an upload must have 1 to {MOST_FILES} files, got {len(given)}")
    try:
        draft = Path(tempfile.mkdtemp(prefix=".upload-", dir=folder.parent))  # mode 700
        try:
            received = _take_all(given, draft, largest)
            (draft / "scans").chmod(0o700)
            (draft / "scans").rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as fault:
        code = "E_DISK_FULL" if fault.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else "E_WRITE"
        raise StoreError(code, f"the upload cannot be kept ({fault.strerror})") from None
    return received


def _take_all(given: Sequence[tuple[str, BinaryIO]], draft: Path, largest: int) -> Received:
    scans, held = draft / "scans", draft / "upload"
    scans.mkdir()
    room, kept, left_out = largest, 0, 0
    for number, (name, content) in enumerate(given, start=1):
        head = _hold(content, held, room, largest)
        room -= held.stat().st_size
        count = _take(name, head, held, scans / f"{number:06d}")
        if not count and len(given) == 1:
            raise IntakeError("E_UPLOAD", f"the file must end with one of {', '.join(('.zip', *ENDINGS))} or be DICOM")
        kept += count
        left_out += not count
        held.unlink(missing_ok=True)
    if not kept:
        raise IntakeError("E_UPLOAD", f"an upload must hold a scan, got {left_out} files that are none")
    return Received(kept, left_out)


def _take(name: str, head: bytes, held: Path, place: Path) -> int:
    """Keep one file under a number, an archive's files below it; gives how many were kept."""
    if not head:
        raise IntakeError("E_UPLOAD", "a file must hold a scan, got 0 bytes")
    if head.startswith(PROGRAMS):
        raise IntakeError("E_UPLOAD", "a file must be a scan, its first bytes are a program's")
    if head.startswith(ZIP_HEAD):
        count = extract_archive(held, place)
        _refuse_programs(place)
        return count
    ending = next((one for one in ENDINGS if name.lower().endswith(one)), None)
    if ending is None and head[128:132] != b"DICM":
        return 0
    held.rename(place.with_name(place.name + (ending or ".dcm")))  # what it really holds, intake finds out
    return 1


def _hold(content: BinaryIO, held: Path, room: int, largest: int) -> bytes:
    """Copy the bytes, counting; gives the first ones."""
    head, size = b"", 0
    with held.open("xb") as stream:
        while piece := content.read(PIECE):
            head = head or piece[:256]
            size += len(piece)
            if size > room:
                raise IntakeError("E_UPLOAD", f"an upload may have {largest} bytes, got more")
            stream.write(piece)
    return head


def _refuse_programs(folder: Path) -> None:
    """Refuse the whole archive where one of its files begins as a program does."""
    for number, path in enumerate(sorted(folder.rglob("*")), start=1):
        if path.is_file():
            with path.open("rb") as stream:
                if stream.read(8).startswith(PROGRAMS):
                    raise IntakeError(
                        "E_UPLOAD", f"file {number} of the archive must be a scan, it begins as a program"
                    )
