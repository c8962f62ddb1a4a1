"""How training scans are varied -> AugmentationSpec, frozen and validated.

Knows no tensor; the other modules of this room read it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medres.preprocessing.spec import Frozen

Share = Annotated[float, Field(ge=0, le=1)]
Axis = Literal["i", "j", "k"]
Plane = Literal["ij", "ik", "jk"]
UNFOLDED = 0.35  # of the distance of two nodes: neighbours that move towards each other still keep their order


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
        shift_mm: the same in mm; needs `preprocessing.spacing_mm`, as every parameter in mm does.
        shear: highest shear of each pair of axes, mm per mm (tangent of the angle).
        crop: highest share of each axis that is cut away, the rest being brought back to full size, in [0, 1).
        elastic: highest displacement of the nodes of a coarse grid, share of each axis; smooth between them.
        elastic_mm: the same in mm.
        elastic_nodes: nodes along each axis; displacements that could fold the scan are refused.
        spatial_probability: of changing a scan's geometry at all (flips and turns aside).
        brightness: highest summand, in units of the network's input.
        brightness_hu: the same in HU; needs CT in a window of HU, as every parameter in HU does.
        contrast: highest relative change about the scan's mean, in [0, 1).
        gamma: highest relative change of the exponent, on values scaled to the scan's own range, in [0, 1).
        noise: highest standard deviation of Gaussian noise, in units of the network's input.
        noise_hu: the same in HU.
        blur: highest standard deviation of a Gaussian, voxels.
        blur_mm: the same in mm.
        sharpen: highest amount of unsharp masking (1 adds once what a Gaussian of one voxel takes away).
        low_resolution: highest factor by which resolution is lowered and brought back; 1 is off.
        cutout: highest edge of a box that is set to the scan's smallest value, share of each axis.
        cutout_mm: the same in mm.
        bias_field: highest coefficient of the polynomial whose exponential multiplies an MR scan (Van Leemput 1999).
        gibbs: highest share of the spatial frequencies that are cut off, in [0, 1): ringing at edges (MR).
        ghosting: highest strength of the ghosts that periodic motion leaves along one axis, in [0, 1] (MR).
        motion: highest shift of a patient who moves between the lines of k-space, share of the axis (MR).
        motion_mm: the same in mm.
        mixup: parameter of the Beta distribution by which two scans and their labels are blended; 0 is off.
        cutmix: parameter of the Beta distribution of the share of a box that is taken from another scan; 0 is off.
        policy_strength: one dial for all, in [0, 1]: RandAugment-like, each scan gets `policy_count` changes of
            those in `policy.py`, as strong as the dial says; the parameters above add to it. 0 is off.
        policy_count: changes for each scan.
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
    shift_mm: float = Field(0.0, ge=0)
    shear: float = Field(0.0, ge=0, lt=1)
    crop: float = Field(0.0, ge=0, lt=1)
    elastic: Share = 0.0
    elastic_mm: float = Field(0.0, ge=0)
    elastic_nodes: int = Field(5, ge=3, le=16)
    spatial_probability: Share = 1.0
    brightness: float = Field(0.0, ge=0)
    brightness_hu: float = Field(0.0, ge=0)
    contrast: float = Field(0.0, ge=0, lt=1)
    gamma: float = Field(0.0, ge=0, lt=1)
    noise: float = Field(0.0, ge=0)
    noise_hu: float = Field(0.0, ge=0)
    blur: float = Field(0.0, ge=0)
    blur_mm: float = Field(0.0, ge=0)
    sharpen: float = Field(0.0, ge=0)
    low_resolution: float = Field(1.0, ge=1)
    cutout: float = Field(0.0, ge=0, lt=1)
    cutout_mm: float = Field(0.0, ge=0)
    bias_field: float = Field(0.0, ge=0, le=2)
    gibbs: float = Field(0.0, ge=0, lt=1)
    ghosting: Share = 0.0
    motion: Share = 0.0
    motion_mm: float = Field(0.0, ge=0)
    mixup: float = Field(0.0, ge=0)
    cutmix: float = Field(0.0, ge=0)
    policy_strength: Share = 0.0
    policy_count: int = Field(2, ge=1, le=8)
    intensity_probability: Share = 0.5
    ground: Literal["keep", "change"] = "change"

    @model_validator(mode="after")
    def _angles(self) -> AugmentationSpec:
        if len(self.rotation_degrees) not in (0, 1, 3) or any(angle < 0 for angle in self.rotation_degrees):
            raise ValueError(f"rotation_degrees must be one or three angles from 0, got {self.rotation_degrees}")
        return self

    @property
    def elastic_limit(self) -> float:
        """Highest displacement, share of an axis, that cannot fold a scan."""
        return UNFOLDED / (self.elastic_nodes - 1)

    @model_validator(mode="after")
    def _unfolded(self) -> AugmentationSpec:
        if self.elastic > self.elastic_limit:
            told = f"elastic must be at most {self.elastic_limit:.4f} with {self.elastic_nodes} nodes"
            raise ValueError(f"{told} (the scan would fold), got {self.elastic}")
        return self
