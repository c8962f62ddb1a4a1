"""Planes in their order -> one preallocated array of values, read by two threads; or only judged, plane by plane.

Knows arrays and threads; no geometry. Peak memory is the array, its padding mask, and one plane per thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.io.bits import find_padding, inverts, mask_bits, turn_over
from medres.io.instance import Slice
from medres.io.pixels import PixelFile, pointing_at, require_bytes
from medres.io.rescale import Tally, fits_int16, is_whole, require_ct_range, rescale_float, rescale_whole, tally

MOST_THREADS = 8
FEW_PLANES = 4  # below this, threads cost more than they save


@dataclass(eq=False)
class Stack:
    """Values of a series.

    Attributes:
        values: (k, j, i) int16 or float32, any free planes first; None when only judged.
        padding: (k, j, i) bool, or None where nothing is padding.
        seen: what was seen.
    """

    values: NDArray[Any] | None
    padding: NDArray[np.bool_] | None
    seen: Tally


class _DoesNotFitError(Exception):
    """Whole numbers that 16 bits do not hold: the series is read again as float32."""


def read_stack(planes: Sequence[Slice], *, keep: bool = True, before: int | None = None) -> Stack:
    """Read the planes of a series in their order.

    Args:
        planes: k of them, equal in rows and columns.
        keep: False only judges them (`inspect`): nothing is kept but one plane per thread.
        before: planes to leave free before the first, where slices will be filled in between: the values are float32
            then; None fills in nothing.

    Returns:
        The Stack: int16 where the rescaled values are whole and fit, else float32.

    Raises:
        IntakeError: of the first plane that cannot be read; `E_VALUE_RANGE`.
    """
    for plane in planes:
        require_bytes(plane)
    whole = before is None and all(is_whole(plane) and plane.facts.bits_allocated <= 16 for plane in planes)
    stack = _read_whole(planes, keep) if whole else None
    if stack is None:  # the array of 16 bits is gone by now
        stack = _Reader(planes, np.dtype(np.float32), keep, before or 0).run()
    if planes[0].facts.modality == "CT" and planes[0].position is not None:  # no screenshot of one
        require_ct_range(stack.seen)
    return stack


def _read_whole(planes: Sequence[Slice], keep: bool) -> Stack | None:
    """Read whole numbers into 16 bits; None where they do not fit."""
    try:
        return _Reader(planes, np.dtype(np.int16), keep).run()
    except _DoesNotFitError:
        return None


class _Reader:
    """Fills one stack, `before` planes after its start."""

    def __init__(self, planes: Sequence[Slice], dtype: np.dtype, keep: bool, before: int = 0) -> None:
        facts = planes[0].facts
        self._planes = planes
        self._shape = (facts.rows, facts.columns)
        self._dtype = dtype
        self._before = before
        self._values = np.empty((before + len(planes), *self._shape), dtype) if keep else None
        self._padding: NDArray[np.bool_] | None = None
        self._keep = keep
        self._lock = threading.Lock()
        self._seen = Tally()
        self._alone = False

    def run(self) -> Stack:
        """Read every file once, two or more at a time."""
        files = _by_file(self._planes)
        self._alone = len(files) == 1
        threads = min(MOST_THREADS, os.cpu_count() or 1, len(files))
        if len(self._planes) < FEW_PLANES or threads == 1:
            self._read_files(files)
        else:
            parts = [files[n::threads] for n in range(threads)]
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(self._read_files, parts))
        return Stack(self._values, self._padding, self._seen)

    def _read_files(self, files: list[list[tuple[int, Slice]]]) -> None:
        """Read one thread's share of the files."""
        for file in files:
            self._read_file(file)

    def _read_file(self, file: list[tuple[int, Slice]]) -> None:
        """Read the planes of one file."""
        seen = Tally()
        with pointing_at(file[0][1], self._alone), PixelFile(file[0][1]) as pixels:
            for k, plane in file:
                seen.add(self._read_plane(pixels, k, plane))
        with self._lock:
            self._seen.add(seen)

    def _read_plane(self, pixels: PixelFile, k: int, plane: Slice) -> Tally:
        """Read one plane into its place."""
        facts = plane.facts
        target = np.empty(self._shape, self._dtype) if self._values is None else self._values[self._before + k]
        in_place = self._dtype == np.int16 and facts.bits_allocated == 16
        stored = target.view(np.uint16) if in_place else np.empty(self._shape, f"u{facts.bits_allocated // 8}")
        pixels.read_into(plane, stored)
        padding = find_padding(stored, facts)
        numbers, overlay = mask_bits(stored, facts, padding)
        if inverts(facts):
            turn_over(numbers, facts)
        self._rescale(plane, numbers, target)
        found = tally(target, padding, facts.modality)
        found.overlay = overlay
        if padding is not None and self._keep:
            self._mark(k, padding)
        return found

    def _rescale(self, plane: Slice, numbers: NDArray[Any], target: NDArray[Any]) -> None:
        """Turn stored numbers into values at their place."""
        if self._dtype != np.int16:
            rescale_float(plane, numbers, target)
            return
        if not fits_int16(plane, numbers):
            raise _DoesNotFitError
        if numbers.dtype.itemsize != 2:
            target[...] = numbers
            numbers = target
        rescale_whole(plane, numbers)

    def _mark(self, k: int, padding: NDArray[np.bool_]) -> None:
        """Note where a plane is padding."""
        with self._lock:
            if self._padding is None:
                self._padding = np.zeros((self._before + len(self._planes), *self._shape), np.bool_)
        self._padding[self._before + k] = padding


def _by_file(planes: Sequence[Slice]) -> list[list[tuple[int, Slice]]]:
    """Group planes by the file they stand in, each with its place k."""
    files: dict[int, list[tuple[int, Slice]]] = {}
    for k, plane in enumerate(planes):
        files.setdefault(plane.source.number, []).append((k, plane))
    return list(files.values())
