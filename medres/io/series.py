"""A folder or file -> Series with a verdict, and every file that is none, with its reason.

Knows headers; knows no preprocessing and no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["ok", "warned", "refused"]
Kind = Literal["dicom", "nifti", "picture"]


@dataclass(frozen=True, eq=False)
class Series:
    """Headers and sorted paths of what may become one Volume; no voxels.

    Attributes:
        key: short, unique in its folder, stable over runs, free of identifiers; what `--series` takes.
        kind: which reader reads it.
        verdict: "ok", "warned" or "refused".
        codes: all codes that apply; for "refused" the deciding one first.
        message: one sentence a person can act on; "" when ok.
        modality: DICOM's word, or "" when the file does not say.
        shape: (i, j, k), or None when it cannot be told.
        spacing_mm: (3,), or None.
        orientation: such as "LPS"; "detector"; or "".
        affine: (4, 4), index to RAS+ mm, or None.
        paths: its files, sorted along the slice normal where that is known.
        checked: "pixels" or "headers".
        unit: of its values: "HU", "1" (arbitrary), or the header's (PET: "BQML"); "" where it is refused.
    """

    key: str
    kind: Kind
    verdict: Verdict
    codes: tuple[str, ...]
    message: str
    modality: str
    shape: tuple[int, int, int] | None
    spacing_mm: tuple[float, float, float] | None
    orientation: str
    affine: NDArray[np.float64] | None
    paths: tuple[Path, ...]
    checked: Literal["pixels", "headers"] = "headers"
    unit: str = ""

    @property
    def file_count(self) -> int:
        """How many files it is made of."""
        return len(self.paths)


@dataclass(frozen=True)
class SkippedFile:
    """A file that is no scan.

    Attributes:
        number: its place (from 1) among all files of the folder in sorted order; shown instead of its name.
        code: why, as a code.
        reason: why, in words.
        path: for internal use; never shown.
    """

    number: int
    code: str
    reason: str
    path: Path


@dataclass(frozen=True)
class Inventory:
    """All of a folder: every file stands in exactly one of the two lists.

    Attributes:
        series: in the order of their keys.
        skipped: in the order of their numbers.
    """

    series: tuple[Series, ...]
    skipped: tuple[SkippedFile, ...]
