"""Voxels + affine + where they came from -> Volume, frozen.

Knows geometry only: neither files, networks nor screens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medres import geometry

Frame = Literal["patient", "detector"]


@dataclass(frozen=True)
class Origin:
    """Where a Volume came from: nothing here may leave the internal stores but `content_digest`.

    Attributes:
        content_digest: SHA-256 (hex) of the decoded voxels, affine and modality: same scan, same digest.
        series_key: the key that `medres inspect` shows for it (no identifier).
        study_instance_uid, series_instance_uid, frame_of_reference_uid: as in the header, or "".
        patient_key: keyed pseudonym of the patient, or "" where the file names none.
        file_count: files read.
    """

    content_digest: str = ""
    series_key: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    patient_key: str = ""
    file_count: int = 1


@dataclass(frozen=True)
class Display:
    """How the file itself asks to be shown.

    Attributes:
        window_center, window_width: in the Volume's unit, or None.
        inverted: MONOCHROME1: small values are shown bright.
        voi_lut: (2, n) table of value and grey in [0, 1], or None.
    """

    window_center: float | None = None
    window_width: float | None = None
    inverted: bool = False
    voi_lut: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels that know where they lie.

    Attributes:
        voxels: `(i, j, k)`, or `(i, j, k, 3)` for a colour picture; HU for CT, as stored with scaling otherwise.
            A picture or a radiograph has k = 1, i along its columns (to the right), j along its rows (down).
        affine: (4, 4), index to RAS+ mm; for `frame == "detector"` to the detector's right and down, mm.
        modality: DICOM's word: "CT", "MR", "US", "DX", "PT", ...; never guessed.
        unit: "HU", "1" (arbitrary), or the header's (PET: "BQML").
        frame: "patient", or "detector" where left and right of the patient are not known from geometry.
        padding: (i, j, k) bool, True where the scanner padded or the value is not finite; None if nowhere.
        spacing_known: False turns every output in mm off.
        codes: `W_...` codes that travel with every result.
        display: how the file asks to be shown.
        origin: where it came from.
        notes: facts that results keep, such as {"lossy_ratio": 8.2}; no identifiers.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    modality: str
    unit: str = "1"
    frame: Frame = "patient"
    padding: NDArray[np.bool_] | None = None
    spacing_known: bool = True
    codes: tuple[str, ...] = ()
    display: Display = field(default_factory=Display)
    origin: Origin = field(default_factory=Origin)
    notes: dict[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.voxels.ndim not in (3, 4) or (self.voxels.ndim == 4 and self.voxels.shape[3] != 3):
            raise ValueError(f"voxels must be (i, j, k) or (i, j, k, 3), got shape {self.voxels.shape}")
        if self.affine.shape != (4, 4) or abs(np.linalg.det(self.affine[:3, :3])) < 1e-12:
            raise ValueError(f"affine must be (4, 4) and not singular, got shape {self.affine.shape}")
        for array in (self.voxels, self.affine, self.padding):
            if array is not None:
                array.setflags(write=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The grid `(i, j, k)`, without the colour axis."""
        return tuple(int(n) for n in self.voxels.shape[:3])  # type: ignore[return-value]

    @property
    def is_colour(self) -> bool:
        """Whether voxels carry red, green and blue."""
        return self.voxels.ndim == 4

    @property
    def is_picture(self) -> bool:
        """Whether this is one plane (k = 1)."""
        return self.shape[2] == 1

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxel centres along i, j, k, mm."""
        return tuple(float(s) for s in geometry.spacing_mm(self.affine))  # type: ignore[return-value]

    @property
    def orientation(self) -> str:
        """Direction of i, j, k, such as "LPS"; "detector" where the patient's sides are not known."""
        return "detector" if self.frame == "detector" else geometry.orientation_codes(self.affine)

    def with_voxels(self, voxels: NDArray[Any], affine: NDArray[np.float64] | None = None, **changes: Any) -> Volume:
        """Copy with other voxels and, where the grid changed, their affine.

        Args:
            voxels: (i, j, k) or (i, j, k, 3).
            affine: (4, 4), index to mm; None keeps it (the grid is the same).
            changes: other fields by name.

        Returns:
            A new Volume.
        """
        return replace(self, voxels=voxels, affine=self.affine if affine is None else affine, **changes)

    def with_codes(self, *codes: str) -> Volume:
        """Copy with warnings added, each kept once.

        Args:
            codes: `W_...` codes.

        Returns:
            A new Volume.
        """
        return replace(self, codes=tuple(dict.fromkeys((*self.codes, *codes))))
