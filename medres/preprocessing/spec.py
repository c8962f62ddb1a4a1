"""What a network is shown -> PreprocessingSpec, frozen and validated.

Knows no voxels; `pipeline.py` reads it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """Base of every spec: frozen, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """Cut to two percentiles of the scan's own voxels (padding left out) and bring that to [0, 1]."""

    kind: Literal["percentiles"] = "percentiles"
    lower: float = Field(0.5, ge=0, le=100)
    upper: float = Field(99.5, ge=0, le=100)


class Standardise(Frozen):
    """Subtract the mean and divide by the standard deviation of the scan's own voxels.

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
        aggregate: how probabilities become one.
    """

    kind: Literal["slices"] = "slices"
    axis: Literal[0, 1, 2] = 2
    count: int | None = Field(None, ge=1)
    aggregate: Literal["mean", "max", "noisy_or"] = "mean"


class PatchesView(Frozen):
    """A 3D network sees patches that slide over the whole grid, every voxel at least once.

    Attributes:
        size: (3,), voxels of a patch.
        overlap: share of a patch that its neighbour repeats.
        aggregate: how probabilities become one.
    """

    kind: Literal["patches"] = "patches"
    size: tuple[int, int, int]
    overlap: float = Field(0.25, ge=0, lt=1)
    aggregate: Literal["mean", "max", "noisy_or"] = "max"


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
            None keeps what comes (patches only).
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
    spacing_mm: tuple[float, ...] | None = None
    size: tuple[int, ...] | None = None
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

    @property
    def tensor_channels(self) -> int:
        """Channels of the tensor: Volumes times colours."""
        return len(self.channels) * (3 if self.colour == "rgb" else 1)
