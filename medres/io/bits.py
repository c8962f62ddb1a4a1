"""Stored numbers of one plane -> the same without stray bits: padding marked, sign carried, polarity turned over.

Everything is read from the header, nothing from the values; knows no unit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.io.facts import LOSSY_SYNTAXES, PROJECTIONS
from medres.io.instance import Facts


def inverts(facts: Facts) -> bool:
    """Tell whether stored numbers are turned over: a MONOCHROME1 radiograph becomes its MONOCHROME2 twin."""
    return facts.photometric == "MONOCHROME1" and facts.modality in PROJECTIONS


def find_padding(stored: NDArray[Any], facts: Facts) -> NDArray[np.bool_] | None:
    """Mark stored numbers that are padding.

    Args:
        stored: (rows, columns), unsigned, as in the file.
        facts: header.

    Returns:
        (rows, columns) bool, or None where the header names no padding or none is there.
    """
    if facts.padding is None:
        return None
    low, high = facts.padding
    numbers = stored.view(f"i{stored.dtype.itemsize}") if facts.signed else stored
    marked = _between(numbers, low, high)
    if facts.signed and facts.bits_stored < facts.bits_allocated and facts.syntax not in LOSSY_SYNTAXES:
        spare = facts.bits_allocated - facts.bits_stored  # some writers leave the bits above the sign empty
        marked |= _between(np.right_shift(np.left_shift(numbers, spare), spare), low, high)
    return marked if marked.any() else None


def _between(numbers: NDArray[Any], low: int, high: int) -> NDArray[np.bool_]:
    return numbers == low if low == high else (numbers >= low) & (numbers <= high)


def mask_bits(stored: NDArray[Any], facts: Facts, padding: NDArray[np.bool_] | None) -> tuple[NDArray[Any], bool]:
    """Keep the BitsStored low bits, in place, and carry the sign.

    Args:
        stored: (rows, columns), unsigned, contiguous, `bits_allocated` wide.
        facts: header.
        padding: marks of `find_padding`; padding may use bits above BitsStored.

    Returns:
        (the numbers, signed where the header says so; whether an overlay stood in the bits above).
    """
    if facts.syntax in LOSSY_SYNTAXES:
        return _clip(stored, facts), False
    width = facts.bits_allocated
    spare = width - facts.bits_stored
    signed = stored.view(f"i{stored.dtype.itemsize}")
    if spare == 0:
        return (signed if facts.signed else stored), False
    before = stored.copy() if facts.signed else None
    overlay = not facts.signed and _has_high_bits(stored, facts, padding)
    if facts.signed or overlay or (padding is not None):
        np.left_shift(stored, spare, out=stored)
        numbers = signed if facts.signed else stored
        np.right_shift(numbers, spare, out=numbers)
        if before is not None:
            overlay = _changed(before, stored, facts)
    return (signed if facts.signed else stored), overlay


def _clip(stored: NDArray[Any], facts: Facts) -> NDArray[Any]:
    """Hold numbers that a lossy decoder overshot to what BitsStored can hold; masking would turn white into black."""
    numbers = stored.view(f"i{stored.dtype.itemsize}") if facts.signed else stored
    half = 1 << (facts.bits_stored - 1)
    low, high = (-half, half - 1) if facts.signed else (0, 2 * half - 1)
    return np.clip(numbers, low, high, out=numbers)


def _has_high_bits(stored: NDArray[Any], facts: Facts, padding: NDArray[np.bool_] | None) -> bool:
    """Tell whether any number outside padding uses bits above BitsStored."""
    limit = 1 << facts.bits_stored
    if stored.size == 0 or int(stored.max()) < limit:
        return False
    return padding is None or bool((stored[~padding] >= limit).any())


def _changed(before: NDArray[Any], after: NDArray[Any], facts: Facts) -> bool:
    """Tell whether masking changed more than the sign bits that some writers leave empty."""
    return bool(((before ^ after) != 0).any() and (before >> facts.bits_stored != 0)[before != after].any())


def turn_over(numbers: NDArray[Any], facts: Facts) -> None:
    """Turn MONOCHROME1 numbers into MONOCHROME2's, in place: the highest becomes the lowest."""
    top = -1 if facts.signed else (1 << facts.bits_stored) - 1
    np.subtract(numbers.dtype.type(top), numbers, out=numbers)
