"""The first bytes of a file -> what it is.

Knows magic numbers; reads no header. A name decides one thing only: what calls itself NIfTI and has nothing of it (cut
within its header, damaged in its first bytes) is to be refused, where any other file would be skipped.
"""

from __future__ import annotations

from pathlib import Path

from medres.io.dataset import PREAMBLE
from medres.io.elements import LONG_VRS, SHORT_VRS
from medres.io.header import HollowError, NotAScanError
from medres.io.nifti import looks_like_nifti

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GZIP = b"\x1f\x8b"
# what is often found beside scans, so that a person sees what was skipped
OTHERS = {
    b"PK\3\4": "a zip archive, which is not looked into",
    b"Rar!": "a RAR archive, which is not looked into",
    b"7z\xbc\xaf": "a 7z archive, which is not looked into",
    b"\x1f\x8b": "a gzip archive, which is not looked into; only compressed NIfTI is",
    b"BZh": "a bzip2 archive, which is not looked into",
    b"\xfd7zXZ": "an xz archive, which is not looked into",
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF picture; save the picture that is meant as PNG",
    b"BM": "a BMP picture; save it as PNG",
    b"RIFF": "a film, sound or WebP picture",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"NRRD": "an NRRD volume; convert it to NIfTI",
    b"ObjectType": "a MetaImage header; convert it to NIfTI",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"\xd0\xcf\x11\xe0": "an Office or thumbnail file",
}
TEXT_BYTES = frozenset(range(32, 256)) | {9, 10, 12, 13}
NIFTI_MAGICS = {344: (b"n+1\0", b"ni1\0"), 4: (b"n+2\0", b"ni2\0")}
NIFTI_NAMES = (".nii", ".nii.gz")
ANALYZE_HEADER = 348  # bytes, also the first number of an Analyze or NIfTI-1 header


def recognise(head: bytes, path: Path) -> str:
    """Tell what a file is by its first bytes.

    Args:
        head: at least its first 352 bytes, where it has so many.
        path: the file, for compressed NIfTI whose first bytes must be inflated.

    Returns:
        "dicom", "nifti" or "picture".

    Raises:
        NotAScanError: for everything else.
    """
    if not head:
        raise HollowError("an empty file")
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(PICTURES):
        return "picture"
    if _is_nifti(head) or (head[:2] == GZIP and looks_like_nifti(path)):
        return "nifti"
    if _may_be_bare_dicom(head):
        return "dicom"
    if looks_like_nifti(path) or path.name.lower().endswith(NIFTI_NAMES):
        return "nifti"
    raise HollowError("cut within its preamble") if _is_cut_preamble(head) else NotAScanError(_name_other(head))


def _is_cut_preamble(head: bytes) -> bool:
    """Tell what is left of a DICOM file that ends before its magic number, 128 zeros at most."""
    return len(head) < PREAMBLE and not head[: PREAMBLE - 4].strip(b"\0") and b"DICM".startswith(head[PREAMBLE - 4 :])


def _name_other(head: bytes) -> str:
    """Name what is no scan, as far as its first bytes tell."""
    if head[257:262] == b"ustar":
        return "a tar archive, which is not looked into"
    known = next((name for magic, name in OTHERS.items() if head.startswith(magic)), "")
    return known or ("text" if TEXT_BYTES.issuperset(head) else "unknown content")


def _is_nifti(head: bytes) -> bool:
    """Tell NIfTI-1, NIfTI-2 and Analyze headers."""
    magic = any(head[start : start + 4] in magics for start, magics in NIFTI_MAGICS.items())
    first = {int.from_bytes(head[:4], order) for order in ("little", "big")}
    return magic or (ANALYZE_HEADER in first and len(head) >= ANALYZE_HEADER)


def _may_be_bare_dicom(head: bytes) -> bool:
    """Tell whether bytes may begin a data set without preamble: group 0002 or 0008, then a VR or a short length."""
    if len(head) < 16 or head[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    has_vr = head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS
    return has_vr or int.from_bytes(head[4:8], "little") < 1 << 16
