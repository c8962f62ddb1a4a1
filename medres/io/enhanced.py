"""An enhanced multi-frame header -> one Slice per frame, from the shared and per-frame functional groups.

Frames may stand in any order and each may have its own slope; what is said per frame wins over what is shared.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace

from medres.errors import IntakeError
from medres.io.elements import DataSet, Encoding, split_items
from medres.io.facts import direction_of, parse_orientation, parse_spacing
from medres.io.instance import Facts, Slice, Source
from medres.io.values import SMALLEST_SLOPE, first_number, moment, numbers, refuse, word, words

SHARED, PER_FRAME = 0x52009229, 0x52009230
# macro sequence -> elements taken from its first item (PS3.3 C.7.6.16.2)
MACROS: dict[int, frozenset[int]] = {
    0x00209113: frozenset({0x00200032}),
    0x00209116: frozenset({0x00200037}),
    0x00289110: frozenset({0x00280030, 0x00180050}),
    0x00289145: frozenset({0x00281052, 0x00281053, 0x00281054}),
    0x00289132: frozenset({0x00281050, 0x00281051}),
    0x00209111: frozenset({0x00209128, 0x00209056, 0x00189074, 0x00189151, 0x00209156}),
    0x00189114: frozenset({0x00189082}),
    0x00189117: frozenset({0x00189087, 0x00189075, 0x00189076}),
    0x00189115: frozenset({0x00189079}),
    0x00189226: frozenset({0x00089007, 0x00089208}),
    0x00189329: frozenset({0x00089007}),
    0x00189751: frozenset({0x00089007}),
    0x00189118: frozenset({0x00209153}),
}
DIRECTION = frozenset({0x00189089})
# said once for all frames, outside of the groups, by writers that keep to older habits
ROOT = (0x00281050, 0x00281051, 0x00281052, 0x00281053)
Elements = dict[int, bytes]


def is_enhanced(data: DataSet) -> bool:
    """Tell whether a header describes its frames in functional groups."""
    return PER_FRAME in data.elements or SHARED in data.elements


def read_frames(source: Source, data: DataSet, facts: Facts, share: Callable[[Facts], Facts]) -> list[Slice]:
    """Read one Slice per frame.

    Args:
        source: the file.
        data: its raw elements.
        facts: what the file says of all its frames.
        share: gives the one copy of equal facts.

    Returns:
        Slices in the file's order of frames.

    Raises:
        IntakeError: `E_HEADER_VALUE` where a group is missing or not usable; `E_SIZE_LIMIT` where NumberOfFrames
            promises more frames than are described.
    """
    shared = _groups(data.elements.get(SHARED), data.encoding)
    frames = _groups(data.elements.get(PER_FRAME), data.encoding)
    if not frames and facts.frames == 1:
        frames = [{}]
    if len(frames) > facts.frames:
        refuse("NumberOfFrames", f"{len(frames)}, as many as are described", str(facts.frames))
    if len(frames) < facts.frames:
        raise IntakeError("E_SIZE_LIMIT", f"NumberOfFrames is {facts.frames}, {len(frames)} frames are described")
    common = {tag: data.elements[tag] for tag in ROOT if tag in data.elements} | (shared[0] if shared else {})
    order = data.encoding.order
    return [_slice(source, data, facts, share, index, {**common, **own}, order) for index, own in enumerate(frames)]


def _groups(value: bytes | None, encoding: Encoding) -> list[Elements]:
    """Flatten each item's macros into one dictionary of elements."""
    if not value:
        return []
    return [_flatten(item, encoding) for item in split_items(value, encoding, MACROS)]


def _flatten(item: Mapping[int, bytes], encoding: Encoding) -> Elements:
    """Take the elements of the first item of each macro."""
    found: Elements = {}
    for macro, value in item.items():
        inner = split_items(value, encoding, MACROS[macro])
        if inner:
            found.update(inner[0])
    if 0x00189076 in found:
        direction = split_items(found[0x00189076], encoding, DIRECTION)
        found.update(direction[0] if direction else {})
    return found


def _slice(
    source: Source,
    data: DataSet,
    facts: Facts,
    share: Callable[[Facts], Facts],
    index: int,
    found: Elements,
    order: str,
) -> Slice:
    """Put one frame together."""
    element = found.get
    slope, intercept = _number(element(0x00281053), "RescaleSlope"), _number(element(0x00281052), "RescaleIntercept")
    if slope is not None and abs(slope) < SMALLEST_SLOPE:
        refuse("RescaleSlope", "a number other than 0", f"{slope:g} in frame {index + 1}")
    middle, extent = first_number(element(0x00281050)), first_number(element(0x00281051))
    return Slice(
        source=source,
        frame=index,
        facts=share(_frame_facts(facts, found, order)),
        position=numbers(element(0x00200032), "ImagePositionPatient", 3),  # type: ignore[arg-type]
        slope=slope,
        intercept=intercept,
        lut=data.elements.get(0x00283000) or None if slope is None else None,
        has_voi=False,
        window=None if middle is None or extent is None or extent < 1 else (middle, extent),
        sop_uid=word(data.elements.get(0x00080018)),
        pixel_position=data.pixel_position,
        pixel_length=data.pixel_length,
        weak=_weak(found, source, order),
    )


def _number(raw: bytes | None, name: str) -> float | None:
    """Read one decimal string."""
    value = numbers(raw, name, 1)
    return None if value is None else value[0]


def _frame_facts(facts: Facts, found: Elements, order: str) -> Facts:
    """Give the facts of one frame."""
    spacing = parse_spacing(found.get(0x00280030))
    return replace(
        facts,
        orientation=parse_orientation(found.get(0x00200037)) or facts.orientation,
        spacing=spacing or facts.spacing,
        detector_spacing=facts.detector_spacing and spacing is None,
        region_spacing=facts.region_spacing and spacing is None,
        thickness_mm=first_number(found.get(0x00180050)) or facts.thickness_mm,
        image_type=words(found.get(0x00089007)) or facts.image_type,
        rescale_type=word(found.get(0x00281054)).upper() or facts.rescale_type,
        strong=_strong(found, facts, order),
    )


def _strong(found: Elements, facts: Facts, order: str) -> tuple[tuple[str, str], ...]:
    """Read what always makes separate volumes."""
    echo, b_value = _double(found.get(0x00189082), order), _double(found.get(0x00189087), order)
    texts = {
        "ImageType": "\\".join((*(words(found.get(0x00089007)) or facts.image_type), *words(found.get(0x00089208)))),
        "Echo": "" if echo is None else f"{echo:.2f}",
        "BValue": "" if b_value is None else f"{b_value:g}",
        "Direction": direction_of(found.get(0x00189089), order),
        "TimePoint": _long(found.get(0x00209128), order),
        "Stack": word(found.get(0x00209056)),
    }
    return tuple((name, text) for name, text in texts.items() if text)


def _weak(found: Elements, source: Source, order: str) -> tuple[tuple[str, float], ...]:
    """Read what makes separate volumes only where frames would lie on each other."""
    values = {
        "AcquisitionNumber": float(_long(found.get(0x00209156), order, "H") or "nan"),
        "TriggerTime": _double(found.get(0x00209153), order),
        "InversionTime": _double(found.get(0x00189079), order),
        "AcquisitionDateTime": moment(found.get(0x00189074)) or moment(found.get(0x00189151)),
        "File": float(source.number),
    }
    return tuple((name, value) for name, value in values.items() if value is not None and value == value)


def _double(raw: bytes | None, order: str) -> float | None:
    """Read one FD."""
    return struct.unpack(order + "d", raw)[0] if raw is not None and len(raw) == 8 else None


def _long(raw: bytes | None, order: str, kind: str = "L") -> str:
    """Read one UL or US as text."""
    size = struct.calcsize(order + kind)
    return str(struct.unpack(order + kind, raw)[0]) if raw is not None and len(raw) == size else ""
