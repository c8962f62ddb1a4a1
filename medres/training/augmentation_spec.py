"""How training scans are varied -> AugmentationSpec, frozen and validated.

Knows no tensor; `augmentation.py` reads it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medres.preprocessing.spec import Frozen

Share = Annotated[float, Field(ge=0, le=1)]
Axis = Literal["i", "j", "k"]
Plane = Literal["ij", "ik", "jk"]


class AugmentationSpec(Frozen):
    """Random changes of the preprocessed tensor. Every one is off by default.

    Handedness: a flip of one axis, and no rotation, turns left into right. List an axis in `flips` only where left and
    right do not matter (a lesion cut out of its surroundings, a breast's ultrasound).

    Attributes:
        flips: axes of the grid that are reversed with probability one half each; in 2D, i runs along columns.
        quarter_turns: planes that are turned by a random multiple of 90°; their two sizes must be equal.
        rotation_degrees: (one angle about k), or (about i, about j, about k): highest rotation either way.
        scale: highest relative change of size, the same along all axes, in [0, 1).
        stretch: highest relative change of size of each axis alone, in [0, 1).
        shift: highest shift along each axis, share of the axis.
        shear: highest shear of each pair of axes, mm per mm (tangent of the angle).
        spatial_probability: of changing a scan's geometry at all (flips and turns aside).
        brightness: highest summand, in units of the network's input.
        contrast: highest relative change about the scan's mean, in [0, 1).
        gamma: highest relative change of the exponent, on values scaled to the scan's own range, in [0, 1).
        noise: highest standard deviation of Gaussian noise, in units of the network's input.
        blur: highest standard deviation of a Gaussian, voxels.
        low_resolution: highest factor by which resolution is lowered and brought back; 1 is off.
        cutout: highest edge of a box that is set to the scan's smallest value, share of each axis.
        intensity_probability: of each change of intensity, for each scan.
        ground: "keep": voxels equal to the scan's smallest value stay as they are in intensity changes (scans cut out
            on an even ground); "change": they change with the others.
    """

    flips: tuple[Axis, ...] = ()
    quarter_turns: tuple[Plane, ...] = ()
    rotation_degrees: tuple[float, ...] = ()
    scale: float = Field(0.0, ge=0, lt=1)
    stretch: float = Field(0.0, ge=0, lt=1)
    shift: Share = 0.0
    shear: float = Field(0.0, ge=0, lt=1)
    spatial_probability: Share = 1.0
    brightness: float = Field(0.0, ge=0)
    contrast: float = Field(0.0, ge=0, lt=1)
    gamma: float = Field(0.0, ge=0, lt=1)
    noise: float = Field(0.0, ge=0)
    blur: float = Field(0.0, ge=0)
    low_resolution: float = Field(1.0, ge=1)
    cutout: float = Field(0.0, ge=0, lt=1)
    intensity_probability: Share = 0.5
    ground: Literal["keep", "change"] = "change"

    @model_validator(mode="after")
    def _angles(self) -> AugmentationSpec:
        if len(self.rotation_degrees) not in (0, 1, 3) or any(angle < 0 for angle in self.rotation_degrees):
            raise ValueError(f"rotation_degrees must be one or three angles from 0, got {self.rotation_degrees}")
        return self
