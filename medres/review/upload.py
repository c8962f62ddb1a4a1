"""What a reader uploads -> a folder of scans with numbers for names, or a refusal and nothing.

Knows archives and file heads; an uploaded name is never a path, and only its ending is read.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from medres.errors import IntakeError, StoreError
from medres.io.archive import extract_archive

ENDINGS = (".nii.gz", ".nii", ".dcm", ".png", ".jpg", ".jpeg")
ZIP_HEAD = b"PK\x03\x04"
PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
LARGEST = 2 * 2**30  # bytes of one upload
PIECE = 2**20


def receive(name: str, content: BinaryIO, folder: Path, *, largest: int = LARGEST) -> int:
    """Put one upload into a folder of its own.

    Args:
        name: as the browser gave it; only its ending counts.
        content: the bytes.
        folder: made here, mode 700; must not be there yet.
        largest: most bytes.

    Returns:
        Files received.

    Raises:
        IntakeError: E_UPLOAD for a program, an unknown kind or too many bytes; E_ARCHIVE for an unsafe archive.
        StoreError: E_DISK_FULL or E_WRITE.
    """
    draft = Path(tempfile.mkdtemp(prefix=".upload-", dir=folder.parent))  # mode 700
    try:
        held = draft / "upload"
        head = _hold(content, held, largest)
        if head.startswith(PROGRAMS):
            raise IntakeError("E_UPLOAD", "the file must be a scan, its first bytes are a program's")
        if head.startswith(ZIP_HEAD):
            count = extract_archive(held, draft / "scans")
            _refuse_programs(draft / "scans")
        else:
            count = _take_one(name, held, draft / "scans")
        (draft / "scans").chmod(0o700)
        (draft / "scans").rename(folder)
    except OSError as fault:
        raise StoreError("E_WRITE", f"the upload cannot be kept ({fault.strerror})") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return count


def _hold(content: BinaryIO, held: Path, largest: int) -> bytes:
    """Copy the bytes, counting; gives the first ones."""
    head, size = b"", 0
    with held.open("xb") as stream:
        while piece := content.read(PIECE):
            head = head or piece[:256]
            size += len(piece)
            if size > largest:
                raise IntakeError("E_UPLOAD", f"an upload may have {largest} bytes, got more")
            stream.write(piece)
    if not size:
        raise IntakeError("E_UPLOAD", "the file must hold a scan, got 0 bytes")
    return head


def _take_one(name: str, held: Path, folder: Path) -> int:
    """Keep one file under a number; what it really holds, intake finds out."""
    ending = next((one for one in ENDINGS if name.lower().endswith(one)), None)
    with held.open("rb") as stream:
        is_dicom = stream.read(132)[128:] == b"DICM"
    if ending is None and not is_dicom:
        raise IntakeError("E_UPLOAD", f"the file must end with one of {', '.join(('.zip', *ENDINGS))} or be DICOM")
    folder.mkdir()
    held.rename(folder / f"000001{ending or '.dcm'}")
    return 1


def _refuse_programs(folder: Path) -> None:
    """Refuse the whole archive where one of its files begins as a program does."""
    for number, path in enumerate(sorted(folder.rglob("*")), start=1):
        if path.is_file():
            with path.open("rb") as stream:
                if stream.read(8).startswith(PROGRAMS):
                    raise IntakeError(
                        "E_UPLOAD", f"file {number} of the archive must be a scan, it begins as a program"
                    )
