"""Stored numbers of one plane -> values in the modality's unit, padding marked, with what was seen on the way.

Knows bits, padding and rescale; no file and no geometry. Everything is read from the header, nothing from the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError
from medres.io.elements import Encoding, split_items
from medres.io.instance import Facts, Slice
from medres.io.values import stored_value

CT_LOWEST, CT_HIGHEST = -32768, 32767  # HU that 16 bits can hold
CT_METAL = 20_000  # HU; metal on an extended scale may reach it
CT_METAL_SHARE = 1e-3
INT16 = np.iinfo(np.int16)


@dataclass
class Tally:
    """What was seen in the planes of a series so far.

    Attributes:
        lowest, highest: values outside padding.
        above: values above `CT_METAL`.
        count: values.
        padded: values that are padding.
        overlay: bits above BitsStored were set.
    """

    lowest: float = np.inf
    highest: float = -np.inf
    above: int = 0
    count: int = 0
    padded: int = 0
    overlay: bool = False

    def add(self, other: Tally) -> None:
        """Take in what another thread saw."""
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        self.above += other.above
        self.count += other.count
        self.padded += other.padded
        self.overlay |= other.overlay


def linear(plane: Slice) -> tuple[float, float]:
    """Give slope and intercept; 1 and 0 where the header has none."""
    return (1.0 if plane.slope is None else plane.slope), (plane.intercept or 0.0)


def is_whole(plane: Slice) -> bool:
    """Tell whether the rescaled numbers of a plane are whole."""
    slope, intercept = linear(plane)
    small = max(abs(slope), abs(intercept)) <= INT16.max
    return plane.lut is None and small and slope == int(slope) and intercept == int(intercept)


def fits_int16(plane: Slice, numbers: NDArray[Any]) -> bool:
    """Tell whether the rescaled numbers fit 16 bits, padding included."""
    slope, intercept = linear(plane)
    ends = [int(numbers.min()) * slope + intercept, int(numbers.max()) * slope + intercept]
    return INT16.min <= min(ends) and max(ends) <= INT16.max


def rescale_whole(plane: Slice, numbers: NDArray[Any]) -> None:
    """Rescale 16-bit numbers in place; sums that wrap come back right, because the result is known to fit."""
    slope, intercept = (int(value) for value in linear(plane))
    same_bits = numbers.view(np.int16)
    if slope != 1:
        np.multiply(same_bits, np.int16(slope), out=same_bits)
    if intercept:
        np.add(same_bits, np.int16(intercept), out=same_bits)


def rescale_float(plane: Slice, numbers: NDArray[Any], target: NDArray[np.float32]) -> None:
    """Rescale a plane into float32 with its own slope and intercept, or its lookup table."""
    if plane.lut is not None:
        first, table = read_lut(plane.lut, plane.facts)
        place = np.clip(numbers.astype(np.int64) - first, 0, len(table) - 1)
        target[...] = table[place]
        return
    slope, intercept = linear(plane)
    np.multiply(numbers, np.float32(slope), out=target, dtype=np.float32, casting="unsafe")
    if intercept:
        np.add(target, np.float32(intercept), out=target)


def read_lut(value: bytes, facts: Facts) -> tuple[int, NDArray[np.float32]]:
    """Read a lookup table (modality or VOI).

    Args:
        value: bytes of the sequence.
        facts: header of its file.

    Returns:
        (first stored number that is mapped, (n,) float32 outputs).

    Raises:
        IntakeError: `E_HEADER_VALUE`.

    Source:
        PS3.3 C.11.1.1.
    """
    items = split_items(value, Encoding(facts.explicit, facts.order), frozenset({0x00283002, 0x00283006}))
    descriptor, data = (items[0].get(tag, b"") for tag in (0x00283002, 0x00283006)) if items else (b"", b"")
    if len(descriptor) != 6:
        raise IntakeError("E_HEADER_VALUE", "LUTDescriptor must hold 3 numbers")
    count = int(stored_value(descriptor[:2], facts.order, False) or 65536)
    first = int(stored_value(descriptor[2:4], facts.order, facts.signed) or 0)
    bits = int(stored_value(descriptor[4:], facts.order, False) or 0)
    kind = "u1" if bits <= 8 and len(data) < 2 * count else facts.order + "u2"
    if len(data) < count * np.dtype(kind).itemsize:
        raise IntakeError("E_HEADER_VALUE", f"LUTData must hold {count} entries, got {len(data)} bytes")
    return first, np.frombuffer(data, kind, count).astype(np.float32)


def tally(values: NDArray[Any], padding: NDArray[np.bool_] | None, modality: str) -> Tally:
    """Count what the value range is judged by.

    Args:
        values: (rows, columns), rescaled.
        padding: marks, or None.
        modality: only CT has a range.

    Returns:
        The tally of this plane.
    """
    seen = values if padding is None else values[~padding]
    found = Tally(count=seen.size, padded=0 if padding is None else int(padding.sum()))
    if seen.size:
        found.lowest, found.highest = float(seen.min()), float(seen.max())
        if modality == "CT" and found.highest > CT_METAL:
            found.above = int((seen > CT_METAL).sum())
    return found


def require_ct_range(seen: Tally) -> None:
    """Refuse CT values that no CT can hold: the mark of signed data flagged unsigned.

    Raises:
        IntakeError: `E_VALUE_RANGE`.
    """
    if seen.count and (seen.lowest < CT_LOWEST or seen.highest > CT_HIGHEST):
        raise IntakeError(
            "E_VALUE_RANGE",
            f"CT values must lie in [{CT_LOWEST}, {CT_HIGHEST}] HU, got [{seen.lowest:g}, {seen.highest:g}]",
        )
    if seen.above > CT_METAL_SHARE * seen.count:
        share = 100 * seen.above / seen.count
        raise IntakeError(
            "E_VALUE_RANGE",
            f"at most {100 * CT_METAL_SHARE:g} % of CT values may lie above {CT_METAL} HU, got {share:.2f} %",
        )
