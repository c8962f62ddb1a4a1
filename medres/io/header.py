"""A DICOM file -> its Slices (header only), or why it is none.

Knows which elements matter and what they must be; decides nothing about a series and reads no pixels.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

from medres.errors import IntakeError
from medres.io import enhanced
from medres.io.dataset import open_dataset
from medres.io.elements import (
    DataSet,
)
from medres.io.facts import FACT_TAGS, parse_facts
from medres.io.file_bytes import FileBytes
from medres.io.instance import Broken, Facts, Slice, Source
from medres.io.values import SMALLEST_SLOPE, clock, code_word, first_number, moment, numbers, refuse, word

SLICE_TAGS = frozenset(
    {
        0x00080018, 0x00080022, 0x00080032, 0x00080033, 0x0008002A, 0x00181060, 0x00200012, 0x00200032,
        0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00283000, 0x00283010, 0x00541300, 0x52009229, 0x52009230,
    }
)  # fmt: skip
WANTED = SLICE_TAGS | frozenset(FACT_TAGS)
# Objects that carry PixelData or geometry and are no scan.
NOT_SCANS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "a dose grid",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectra",
    "1.2.840.10008.1.3.10": "a DICOMDIR, which is never followed",
}

# SOP classes that always hold pixels: without any, the file was cut short, if between two elements.
IMAGES = re.compile(
    r"1\.2\.840\.10008\.5\.1\.4\.1\.1\."
    r"(1(\.[123](\.1)?)?|2(\.[12])?|3(\.1)?|4(\.[134])?|6(\.[12])?|7(\.[1-4])?|12\.[12](\.1)?|13\.1\.[1-5]|20|128(\.1)?|130)"
)


class NotAScanError(Exception):
    """A file to skip; its text says why.

    Args:
        reason: in words.
        code: `E_NOT_DICOM` for what looked like DICOM and is not.
    """

    def __init__(self, reason: str, code: str = "W_SKIPPED_FILES") -> None:
        super().__init__(reason)
        self.code = code


class HollowError(NotAScanError):
    """A file of which nothing is left that tells what it was."""


class HeaderReader:
    """Reads headers and holds once what the files of a series share.

    Args:
        modality: DICOM's word, which stands in where a header has none.
    """

    def __init__(self, modality: str | None = None) -> None:
        self._modality = (modality or "").upper()
        self._tables: dict[bytes, bytes] = {}
        self._facts: dict[tuple[object, ...], Facts] = {}

    def read(self, source: Source, content: FileBytes) -> list[Slice] | Broken:
        """Read one file.

        Args:
            source: the file's place, size and time.
            content: its bytes, the first chunk loaded.

        Returns:
            One Slice per plane, or Broken.

        Raises:
            NotAScanError: for objects that are no image.
        """
        try:
            data, syntax, has_preamble, media_class = open_dataset(content, WANTED)
            _require_image(data, media_class)
            facts = self._share(data, syntax, has_preamble, media_class)
            if enhanced.is_enhanced(data):
                return enhanced.read_frames(source, data, facts, self.share)
            plane = read_slice(source, data, facts)
            return [plane if plane.lut is None else replace(plane, lut=self._tables.setdefault(plane.lut, plane.lut))]
        except IntakeError as fault:
            return _broken(source, fault, locals().get("data"))

    def _share(self, data: DataSet, syntax: str, has_preamble: bool, media_class: str) -> Facts:
        """Give the facts of this header, parsed at the first file that has them."""
        key = (syntax, has_preamble, media_class, data.encoding, *map(data.elements.get, FACT_TAGS))
        if key not in self._facts:
            facts = parse_facts(data, syntax, has_preamble, media_class)
            self._facts[key] = facts if facts.modality else replace(facts, modality=self._modality)
        return self._facts[key]

    def share(self, facts: Facts) -> Facts:
        """Give the one copy of facts that were made elsewhere."""
        return self._facts.setdefault((facts,), facts)


def _require_image(data: DataSet, media_class: str) -> None:
    """Skip objects that are no picture of a patient."""
    sop_class = word(data.elements.get(0x00080016)) or media_class
    if sop_class in NOT_SCANS:
        raise NotAScanError(f"a DICOM object that is no scan ({NOT_SCANS[sop_class]})")
    if data.pixel_position >= 0:
        return
    has_size = 0x00280010 in data.elements and 0x00280011 in data.elements
    if not has_size and not IMAGES.fullmatch(sop_class):
        raise NotAScanError("a DICOM object without an image (such as a report)")
    if _is_of_fractions(data):
        what = "pixels must be whole numbers as a scanner stores them, this image has others"
        raise _with_partial(IntakeError("E_UNSUPPORTED", what), data)
    raise _with_partial(IntakeError("E_TRUNCATED", "PixelData must follow the header, the file ends before"), data)


def _is_of_fractions(data: DataSet) -> bool:
    """Tell FloatPixelData and DoubleFloatPixelData: wide samples without BitsStored (PS3.3 C.7.6.24)."""
    allocated = data.elements.get(0x00280100, b"")
    wide = int.from_bytes(allocated, "little" if data.encoding.order == "<" else "big") in (32, 64)
    return wide and 0x00280101 not in data.elements


def _with_partial(fault: IntakeError, data: DataSet) -> IntakeError:
    """Hang what was read onto a fault."""
    fault.partial = data  # type: ignore[attr-defined]
    return fault


def _broken(source: Source, fault: IntakeError, data: DataSet | None) -> Broken:
    """Keep what can still be said of a file that cannot be read."""
    known = data or getattr(fault, "partial", None)
    elements = known.elements if known is not None else {}
    return Broken(source, word(elements.get(0x0020000E)), code_word(elements.get(0x00080060)), fault.code, fault.what)


def read_slice(source: Source, data: DataSet, facts: Facts) -> Slice:
    """Read what differs from slice to slice.

    Args:
        source: the file.
        data: its elements.
        facts: what it shares with its series.

    Returns:
        The Slice.

    Raises:
        IntakeError: `E_HEADER_VALUE`, naming the element.
    """
    element = data.elements.get
    position = numbers(element(0x00200032), "ImagePositionPatient", 3)
    return Slice(
        source=source,
        frame=0,
        facts=facts,
        position=position,  # type: ignore[arg-type]
        slope=read_slope(element(0x00281053)),
        intercept=_single(element(0x00281052), "RescaleIntercept"),
        lut=element(0x00283000) or None,
        has_voi=bool(element(0x00283010)),
        window=read_window(element(0x00281050), element(0x00281051)),
        sop_uid=word(element(0x00080018)),
        pixel_position=data.pixel_position,
        pixel_length=data.pixel_length,
        weak=_weak(data),
        is_cine=facts.frames > 1,
    )


def _single(raw: bytes | None, name: str) -> float | None:
    """Read one decimal string."""
    found = numbers(raw, name, 1)
    return None if found is None else found[0]


def read_slope(raw: bytes | None) -> float | None:
    """Read RescaleSlope, which must not be 0.

    Raises:
        IntakeError: `E_HEADER_VALUE`.
    """
    slope = _single(raw, "RescaleSlope")
    if slope is not None and abs(slope) < SMALLEST_SLOPE:
        refuse("RescaleSlope", "a number other than 0", f"{slope:g}")
    return slope


def read_window(center: bytes | None, width: bytes | None) -> tuple[float, float] | None:
    """Read the first window, where there is a usable one."""
    middle, extent = first_number(center), first_number(width)
    return None if middle is None or extent is None or extent < 1.0 else (middle, extent)


def _weak(data: DataSet) -> tuple[tuple[str, float], ...]:
    """Read attributes that tell volumes apart only where slices would lie on each other."""
    element = data.elements.get
    found = {
        "AcquisitionNumber": first_number(element(0x00200012)),
        "TriggerTime": first_number(element(0x00181060)),
        "FrameReferenceTime": first_number(element(0x00541300)),
        "AcquisitionDateTime": moment(element(0x0008002A)),
        "AcquisitionTime": clock(element(0x00080022), element(0x00080032)),
        "ContentTime": clock(None, element(0x00080033)),
    }
    return tuple((name, value) for name, value in found.items() if value is not None)


def open_source(path: os.PathLike[str]) -> tuple[int, os.stat_result]:
    """Open a file for reading and take its size and time.

    Returns:
        (descriptor, status).

    Raises:
        OSError: where it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    return descriptor, os.fstat(descriptor)
