"""Raw elements that a series shares -> Facts, each checked against the rule it must keep.

Knows the meaning of elements; no file and no pixels.
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from medres.io.elements import DataSet
from medres.io.instance import Facts, Vector
from medres.io.ultrasound import REGIONS, region_spacing
from medres.io.values import (
    code_word,
    count_of,
    first_number,
    numbers,
    refuse,
    required_count,
    stored_value,
    word,
    words,
)

UNIT_TOLERANCE = 1e-3  # of the length of row and column cosines, and of their dot product
FACT_TAGS = (
    0x00080008, 0x00080016, 0x00080060, 0x0008103E, 0x00089208, 0x00100010, 0x00100020, 0x00100030, 0x00180010,
    0x00180020, 0x00180050, 0x00180060, 0x00180080, 0x00180081, 0x00180082, 0x00180086, 0x00181030, 0x00181100,
    0x00181164, 0x00181210, 0x00181314, 0x00186011, 0x00189087, 0x00189089, 0x00190010, 0x0019100A, 0x0019100C,
    0x0020000D, 0x0020000E, 0x00200011, 0x00200037, 0x00200052, 0x00200100, 0x00280002, 0x00280004, 0x00280008,
    0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280120, 0x00280121,
    0x00280301, 0x00280A02, 0x00281054, 0x00282110, 0x00282112, 0x00430010, 0x00431039, 0x00541001, 0x20500020,
)  # fmt: skip
LOSSY_SYNTAXES = frozenset(
    "1.2.840.10008.1.2.4." + tail for tail in ("50", "51", "81", "91", "93", "110", "111", "203")
)
TEXT_MODALITIES = frozenset({"US", "SC", "XC", "ES", "IVUS"})  # devices that write text into the pixels
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PROJECTIONS = frozenset({"CR", "DX", "MG", "RF", "XA", "RG", "PX", "IO"})
KNOWN_BITS = (8, 16, 32)
GE_B_VALUE_OFFSET = 1_000_000_000  # GE adds it to mark a b-value
PET_UNITS = frozenset(
    {
        "CNTS", "NONE", "CM2", "CM2ML", "PCNT", "CPS", "BQML", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML",
        "PROPCNTS", "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV",
    }
)  # fmt: skip  # PS3.3 C.8.9.1.1.3; GML is the unit of SUV
SIEMENS, GE = (0x00190010, "SIEMENS MR HEADER"), (0x00430010, "GEMS_PARM_01")  # who wrote a private block
# What a header without Modality is by its SOP class, below 1.2.840.10008.5.1.4.1.1
MODALITIES = {
    **dict.fromkeys(("2", "2.1", "2.2"), "CT"),
    **dict.fromkeys(("4", "4.1", "4.4"), "MR"),
    **dict.fromkeys(("128", "128.1", "130"), "PT"),
    **dict.fromkeys(("6.1", "6.2", "3.1"), "US"),
    **dict.fromkeys(("1.2", "1.2.1", "13.1.3"), "MG"),
    **{"1": "CR", "1.1": "DX", "1.1.1": "DX", "12.1": "XA", "12.1.1": "XA", "12.2": "RF", "20": "NM"},
}
STORAGE = "1.2.840.10008.5.1.4.1.1."
# Settings of one scan or reconstruction; all slices of a volume share them.
NUMERIC_SETTINGS = {
    "TubeVoltage": 0x00180060,
    "RepetitionTime": 0x00180080,
    "InversionTime": 0x00180082,
    "FlipAngle": 0x00181314,
    "FieldOfView": 0x00181100,
    "SliceThickness": 0x00180050,
    "SeriesNumber": 0x00200011,
}
WORDED_SETTINGS = {
    "Kernel": 0x00181210,
    "Contrast": 0x00180010,
    "Sequence": 0x00180020,
    "Protocol": 0x00181030,
    "SeriesDescription": 0x0008103E,
}


def parse_facts(data: DataSet, syntax: str, has_preamble: bool, media_class: str) -> Facts:
    """Parse what the slices of a series share.

    Args:
        data: raw elements.
        syntax: transfer syntax UID.
        has_preamble: the file had its preamble.
        media_class: SOP class from the file meta information, used where the data set has none.

    Returns:
        Facts.

    Raises:
        IntakeError: `E_HEADER_VALUE`, naming the element and the rule.
    """
    element, order = data.elements.get, data.encoding.order
    allocated, stored = _bits(data)
    signed = _signed(element(0x00280103), order)
    sop_class = word(element(0x00080016)) or media_class
    modality = code_word(element(0x00080060)) or MODALITIES.get(sop_class.removeprefix(STORAGE), "")
    spacing, source = _spacing(data, modality in PROJECTIONS)
    return Facts(
        patient=(_plain(element(0x00100020)), _plain(element(0x00100010)), _plain(element(0x00100030))),
        study_uid=word(element(0x0020000D)),
        series_uid=word(element(0x0020000E)),
        frame_uid=word(element(0x00200052)),
        sop_class=sop_class,
        modality=modality,
        image_type=_image_type(data),
        syntax=syntax,
        rows=required_count(element(0x00280010), order, "Rows"),
        columns=required_count(element(0x00280011), order, "Columns"),
        frames=_frames(element(0x00280008)),
        samples=required_count(element(0x00280002), order, "SamplesPerPixel"),
        photometric=_photometric(element(0x00280004)),
        bits_allocated=allocated,
        bits_stored=stored,
        signed=signed,
        orientation=parse_orientation(element(0x00200037)),
        spacing=spacing,
        detector_spacing=source == "ImagerPixelSpacing",
        region_spacing=source == "region",
        thickness_mm=first_number(element(0x00180050)),
        padding=_padding(data, signed),
        units=_known_unit(word(element(0x00541001)).upper()),
        rescale_type=word(element(0x00281054)).upper(),
        burned_in=_burned_in(word(element(0x00280301)).upper(), modality, sop_class),
        lossy=word(element(0x00282110)) == "01" or syntax in LOSSY_SYNTAXES,
        lossy_ratio=first_number(element(0x00282112)),
        strong=_strong(data, modality),
        settings=_settings(data),
        no_preamble=not has_preamble,
        explicit=data.encoding.explicit,
        order=order,
    )


def _plain(raw: bytes | None) -> bytes:
    """Reduce an identifier to what two spellings of it share: case, blanks and carets do not count."""
    return bytes(b for b in (raw or b"").upper() if b not in b" ^\0=")


def _frames(raw: bytes | None) -> int:
    """Read NumberOfFrames; absent means one."""
    found = numbers(raw, "NumberOfFrames", 1)
    if found is None:
        return 1
    if found[0] < 1 or found[0] != int(found[0]):
        refuse("NumberOfFrames", "a positive whole number", f"{found[0]:g}")
    return int(found[0])


def _signed(raw: bytes | None, order: str) -> bool:
    """Read PixelRepresentation: 0 unsigned, 1 signed; nothing else and never a guess."""
    value = count_of(raw, order, "PixelRepresentation")
    if value not in (0, 1):
        refuse("PixelRepresentation", "0 or 1", "none" if value is None else str(value))
    return value == 1


def _photometric(raw: bytes | None) -> str:
    """Read PhotometricInterpretation, which must say something."""
    found = word(raw).upper()
    if not found:
        refuse("PhotometricInterpretation", "present", "none")
    return found


def _bits(data: DataSet) -> tuple[int, int]:
    """Read BitsAllocated and BitsStored, and require that HighBit fits them."""
    element, order = data.elements.get, data.encoding.order
    allocated = required_count(element(0x00280100), order, "BitsAllocated")
    stored = required_count(element(0x00280101), order, "BitsStored")
    high = count_of(element(0x00280102), order, "HighBit")
    high = stored - 1 if high is None else high
    if allocated not in KNOWN_BITS:
        refuse("BitsAllocated", "8, 16 or 32", str(allocated))
    if stored > allocated:
        refuse("BitsStored", f"at most BitsAllocated ({allocated})", str(stored))
    if high != stored - 1:  # PS3.3 C.7.6.3.1; readers disagree whether such numbers are to be shifted
        refuse("HighBit", f"BitsStored - 1 ({stored - 1})", str(high))
    return allocated, stored


def _is_uncorrected(data: DataSet) -> bool:
    """Tell a PixelSpacing that repeats the detector's, with no word of a correction (PS3.3 10.7.1.2)."""
    own, detector = (
        [first_number(text.encode("latin-1")) for text in words(data.elements.get(tag))]
        for tag in (0x00280030, 0x00181164)
    )
    return own == detector and not word(data.elements.get(0x00280A02))


def _spacing(data: DataSet, projected: bool) -> tuple[tuple[float, float] | None, str]:
    """Read PixelSpacing, else ImagerPixelSpacing, else that of an ultrasound region; and say whose it is."""
    found = parse_spacing(data.elements.get(0x00280030))
    if found is not None and not (projected and _is_uncorrected(data)):
        return found, "PixelSpacing"
    detector = parse_spacing(data.elements.get(0x00181164), "ImagerPixelSpacing")
    if detector is not None:
        return detector, "ImagerPixelSpacing"
    regions = data.elements.get(REGIONS)
    return (region_spacing(regions, data.encoding), "region") if regions else (None, "")


def parse_spacing(raw: bytes | None, name: str = "PixelSpacing") -> tuple[float, float] | None:
    """Read a spacing: between rows, between columns, mm.

    Raises:
        IntakeError: `E_HEADER_VALUE` where one is not positive.
    """
    found = numbers(raw, name, 2)
    if found is not None and min(found) <= 0:
        refuse(name, "> 0 mm", " x ".join(f"{value:g}" for value in found))
    return found  # type: ignore[return-value]


def parse_orientation(raw: bytes | None) -> tuple[Vector, Vector] | None:
    """Read row and column cosines: unit vectors at right angles.

    Raises:
        IntakeError: `E_HEADER_VALUE`.

    Source:
        PS3.3 C.7.6.2.1.1.
    """
    found = numbers(raw, "ImageOrientationPatient", 6)
    if found is None:
        return None
    row, column = found[:3], found[3:]
    lengths = [math.sqrt(math.fsum(c * c for c in axis)) for axis in (row, column)]
    if max(abs(length - 1) for length in lengths) > UNIT_TOLERANCE:
        refuse("ImageOrientationPatient", "two unit vectors", f"lengths {lengths[0]:.4f} and {lengths[1]:.4f}")
    dot = float(np.dot(row, column))
    if abs(dot) > UNIT_TOLERANCE:
        refuse("ImageOrientationPatient", "two vectors at right angles", f"dot product {dot:.4f}")
    return row, column  # type: ignore[return-value]


def _padding(data: DataSet, signed: bool) -> tuple[int, int] | None:
    """Read PixelPaddingValue and PixelPaddingRangeLimit with the pixels' sign."""
    order = data.encoding.order
    value = stored_value(data.elements.get(0x00280120), order, signed)
    limit = stored_value(data.elements.get(0x00280121), order, signed)
    if value is None:
        return None
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _burned_in(tag: str, modality: str, sop_class: str) -> bool:
    """Tell whether text may stand in the pixels; devices known for it must say NO to be believed."""
    device = modality in TEXT_MODALITIES or sop_class.startswith(SECONDARY_CAPTURE)
    return tag == "YES" or (device and tag != "NO")


def _image_type(data: DataSet) -> tuple[str, ...]:
    """Read ImageType; a mosaic is one even where an export emptied it."""
    found = words(data.elements.get(0x00080008))
    tiles = stored_value(_private(data, SIEMENS, 0x0019100A), data.encoding.order, False)
    return (*found, "MOSAIC") if (tiles or 0) > 1 and "MOSAIC" not in found else found


def _private(data: DataSet, writer: tuple[int, str], tag: int) -> bytes | None:
    """Give a private element, unless its block says that somebody else wrote it."""
    creator = word(data.elements.get(writer[0])).upper()
    return data.elements.get(tag) if creator in ("", writer[1]) else None


def _strong(data: DataSet, modality: str) -> tuple[tuple[str, str], ...]:
    """Read attributes that always make separate volumes: image type, echo, b-value, time point."""
    element = data.elements.get
    found = {
        "ImageType": "\\".join((*words(element(0x00080008)), *words(element(0x00089208)))),
        "Echo": _rounded(element(0x00180081)) or word(element(0x00180086)),
        "BValue": b_value(data) if modality in ("MR", "") else "",
        "Direction": direction_of(element(0x00189089), data.encoding.order),
        "TimePoint": word(element(0x00200100)),
        "Unit": _known_unit(word(element(0x00541001)).upper()),
    }
    return tuple((name, value) for name, value in found.items() if value)


def _known_unit(text: str) -> str:
    """Keep a defined term alone: any other text might tell a name, and is shown."""
    return text if text in PET_UNITS else ""


def _settings(data: DataSet) -> tuple[tuple[str, float], ...]:
    """Read settings as numbers, words by their checksum: only equal and unequal is meant."""
    element = data.elements.get
    found = {name: first_number(element(tag)) for name, tag in NUMERIC_SETTINGS.items()}
    found |= {name: float(zlib.crc32(word(element(tag)).encode())) for name, tag in WORDED_SETTINGS.items()}
    return tuple((name, value) for name, value in found.items() if value is not None)


def _rounded(raw: bytes | None) -> str:
    """Read a number to a hundredth, so that its spelling does not matter."""
    value = first_number(raw)
    return "" if value is None else f"{value:.2f}"


def direction_of(raw: bytes | None, order: str) -> str:
    """Spell a diffusion direction to a thousandth; "" where there is none."""
    if raw is None or len(raw) != 24:
        return ""
    return " ".join(f"{value:.3f}" for value in struct.unpack(order + "3d", raw))


def b_value(data: DataSet) -> str:
    """Read the diffusion weighting, standard or as Siemens and GE write it; "" where there is none."""
    raw = data.elements.get(0x00189087)
    if raw is not None and len(raw) == 8:
        return f"{struct.unpack(data.encoding.order + 'd', raw)[0]:g}"
    for writer, tag in ((SIEMENS, 0x0019100C), (GE, 0x00431039)):
        value = first_number(_private(data, writer, tag))
        if value is not None and value >= 0:
            return f"{value % GE_B_VALUE_OFFSET if tag == 0x00431039 else value:g}"
    return ""
