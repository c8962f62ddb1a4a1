"""What a network is shown -> PreprocessingSpec, frozen and validated.

Knows no voxels; `pipeline.py` reads it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from medres import geometry


class Frozen(BaseModel):
    """Base of every spec: frozen, an unknown key is an error, and so is a value that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content: equal specs, equal digests."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


class Window(Frozen):
    """Cut to [lower, upper] and bring that to [0, 1]; for CT in HU, `lower` and `upper` are HU."""

    kind: Literal["window"] = "window"
    lower: float
    upper: float

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if not self.lower < self.upper:
            raise ValueError(f"lower must be below upper, got {self.lower} and {self.upper}")
        return self


class Percentiles(Frozen):
    """Cut to two percentiles of the scan's own voxels on the prepared grid (padding left out), bring that to [0, 1]."""

    kind: Literal["percentiles"] = "percentiles"
    lower: float = Field(0.5, ge=0, le=100)
    upper: float = Field(99.5, ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> Percentiles:
        if not self.lower < self.upper:
            raise ValueError(f"lower must be below upper, got {self.lower} and {self.upper}")
        return self


class Standardise(Frozen):
    """Subtract the mean, divide by the standard deviation of the scan's own voxels on the prepared grid.

    Attributes:
        region: "all", or "foreground": voxels above `threshold`, for scans cut out on a black ground.
        threshold: in the Volume's unit; read only with "foreground".
    """

    kind: Literal["standardise"] = "standardise"
    region: Literal["all", "foreground"] = "all"
    threshold: float = 0.0


Intensity = Annotated[Window | Percentiles | Standardise, Field(discriminator="kind")]


class WholeView(Frozen):
    """The network sees the whole grid at once: 3D, or a picture in 2D."""

    kind: Literal["whole"] = "whole"


class SlicesView(Frozen):
    """A 2D network sees slices of a volume, and their probabilities become one.

    Attributes:
        axis: 0, 1 or 2 of the oriented grid (2: axial in "RAS" or "LPS").
        count: slices spread evenly over the grid; None takes every slice.
        aggregate: how probabilities become one; "attention": weights that the network has learnt.
    """

    kind: Literal["slices"] = "slices"
    axis: Literal[0, 1, 2] = 2
    count: int | None = Field(None, ge=1)
    aggregate: Literal["mean", "max", "noisy_or", "attention"] = "mean"


class PatchesView(Frozen):
    """A 3D network sees patches that slide over the whole grid, every voxel at least once.

    Attributes:
        size: (3,), voxels of a patch.
        overlap: share of a patch that its neighbour repeats.
        aggregate: how probabilities become one; "attention": weights that the network has learnt.
    """

    kind: Literal["patches"] = "patches"
    size: tuple[PositiveInt, PositiveInt, PositiveInt]
    overlap: float = Field(0.25, ge=0, lt=1)
    aggregate: Literal["mean", "max", "noisy_or", "attention"] = "max"


Views = Annotated[WholeView | SlicesView | PatchesView, Field(discriminator="kind")]


class PreprocessingSpec(Frozen):
    """All that stands between a Volume and a network, for training and use alike.

    Attributes:
        spatial_dims: 2 or 3: axes of the tensor that the network takes.
        modality: DICOM's word; a scan of another one is out of scope.
        channels: names of the Volumes that are read together; the first is the reference grid.
        colour: "grey" (colour pictures become luminance, ITU-R BT.601) or "rgb" (3 tensor channels per Volume;
            grey pictures are repeated).
        orientation: index axes of the grid for volumes in patient space, such as "RAS"; pictures keep theirs.
        spacing_mm: (3,) or, for pictures, (2,); None keeps the scan's own voxels.
        size: shape of the grid shown: (3,) for volumes and slices views, (2,) = (columns i, rows j) for pictures;
            None keeps what comes (patches only), 0 keeps one axis (slices only, along their axis).
        fit: "crop_pad" (about the centre, nothing rescaled), "contain" (one factor for all axes, then padded; the
            whole scan is seen) or "stretch" (a factor per axis).
        intensity: how values are brought to the network's range.
        views: how the grid is shown to the network.
    """

    spatial_dims: Literal[2, 3]
    modality: str
    channels: tuple[str, ...] = Field(("image",), min_length=1)
    colour: Literal["grey", "rgb"] = "grey"
    orientation: str = "RAS"
    spacing_mm: tuple[PositiveFloat, ...] | None = None
    size: tuple[NonNegativeInt, ...] | None = None
    fit: Literal["crop_pad", "contain", "stretch"] = "crop_pad"
    intensity: Intensity
    views: Views = Field(default_factory=WholeView)

    @model_validator(mode="after")
    def _consistent(self) -> PreprocessingSpec:
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"channels must differ, got {self.channels}")
        if self.spatial_dims == 2 and self.views.kind == "patches":
            raise ValueError("views must be whole or slices for spatial_dims = 2, got patches")
        if self.spatial_dims == 3 and self.views.kind == "slices":
            raise ValueError("views must be whole or patches for spatial_dims = 3, got slices")
        if self.size is None and self.views.kind != "patches":
            raise ValueError(f"size must be given for views of kind {self.views.kind}")
        return self

    @model_validator(mode="after")
    def _axes(self) -> PreprocessingSpec:
        geometry.reorientation(np.eye(4), self.orientation)  # raises ValueError for a name that is none
        axes = 2 if self.is_for_pictures else 3
        for name, value in (("spacing_mm", self.spacing_mm), ("size", self.size)):
            if value is not None and len(value) != axes:
                raise ValueError(f"{name} must have {axes} values here, got {len(value)}")
        kept = [axis for axis, length in enumerate(self.size or ()) if length == 0]
        if kept and (self.views.kind != "slices" or kept != [self.views.axis]):
            raise ValueError(f"size must be positive (0 only along the axis of slices), got {self.size}")
        return self

    @property
    def is_for_pictures(self) -> bool:
        """Whether the network takes single planes (k = 1), not volumes."""
        return self.spatial_dims == 2 and self.views.kind == "whole"

    @property
    def tensor_channels(self) -> int:
        """Channels of the tensor: Volumes times colours."""
        return len(self.channels) * (3 if self.colour == "rgb" else 1)
