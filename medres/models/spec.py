"""What a TrainedModel is -> NetworkSpec, OperatingPoint, TrainedModelSpec, frozen and validated.

Knows no weights and no folder; `trained_model.py` writes and reads it, `registry.py` builds the network it names.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from medres.errors import EvaluationError
from medres.evaluation.calibrators import apply_calibrator, from_record
from medres.models.test_time import TestTimeSpec
from medres.preprocessing.spec import Frozen, PreprocessingSpec

SCHEMA_VERSION: Literal[1] = 1

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]  # no folder, nothing hidden
Share = Annotated[float, Field(ge=0, le=1)]


class NetworkSpec(Frozen):
    """A network by name and shape.

    Attributes:
        name: a name of the registry, such as "resnet18".
        spatial_dims: 2 or 3.
        in_channels: channels of the tensor.
        label_count: logits that come out; probabilities are their softmax.
        width: share of the published channel counts (0.5: a half-width variant).
        stem: "standard" (7-wide, stride 2, max-pool) or "small" (3-wide, stride 1, no max-pool).
        last_stride: 2 as published; 1 keeps the last map, and with it the heatmap, twice as fine.
        norm: normalisation after each convolution.
        dropout: probability before the last layer.
        attention: hidden units that score views of a scan against each other (`attention.py`); 0 for none.
        shortcut: of residual networks, where channels change: "B", a convolution; "A", zeros beside the thinned map.
        convolution: in 3D, "acs" makes each convolution of 2D kernels that look along three axes (`acs.py`).
    """

    name: str
    spatial_dims: Literal[2, 3]
    in_channels: int = Field(ge=1)
    label_count: int = Field(ge=2)
    width: float = Field(1.0, gt=0)
    stem: Literal["standard", "small"] = "standard"
    last_stride: Literal[1, 2] = 2
    norm: Literal["batch", "group", "instance"] = "batch"
    dropout: float = Field(0.0, ge=0, lt=1)
    attention: int = Field(0, ge=0)
    shortcut: Literal["A", "B"] = "B"
    convolution: Literal["plain", "acs"] = "plain"

    @model_validator(mode="after")
    def _acs_in_3d(self) -> NetworkSpec:
        if self.convolution == "acs" and self.spatial_dims != 3:
            raise ValueError("convolution 'acs' needs spatial_dims 3, got 2")
        return self


class OperatingPoint(Frozen):
    """A threshold with its rule and the data it was chosen on.

    Attributes:
        name: such as "balanced" or "sensitive".
        threshold: a probability of the positive label at or above it is positive.
        rule: how it was chosen, in words, such as "Youden" or "sensitivity at least 0.95".
        chosen_on: SHA-256 of the validation table it was chosen on.
        sensitivity, specificity: on that table; None where it held no such case.
        n, n_positive: cases of that table, and positives among them.
    """

    name: str = Field(min_length=1)
    threshold: Share
    rule: str = Field(min_length=1)
    chosen_on: str
    sensitivity: Share | None
    specificity: Share | None
    n: int = Field(ge=0)
    n_positive: int = Field(ge=0)

    @model_validator(mode="after")
    def _counted(self) -> OperatingPoint:
        if self.n_positive > self.n:
            raise ValueError(f"n_positive must be at most n, got {self.n_positive} of {self.n}")
        return self


class TrainedModelSpec(Frozen):
    """The content of `trained_model.json`: all that is needed to use the weights, and whence they came.

    Attributes:
        schema_version: of this description.
        name, version: of the model, for every row and page made with it.
        modality: DICOM's word; the same as in `preprocessing`.
        intended_use, not_for, licence: sentences for the model card.
        synthetic: trained on phantoms; every result then says so.
        network: what to build the weights into.
        preprocessing: what the network is shown.
        label_names: in the order of the logits.
        positive_label: the label that operating points and decisions are about.
        temperature: logits are divided by it before softmax (calibration on validation patients).
        operating_points: by name.
        default_operating_point: the one that decides where the user names none.
        indeterminate: probabilities p with lower <= p < upper give no decision; belongs to the default operating point.
        calibrator: record of a Platt, isotonic or beta calibrator of the positive label, applied after the views became
            one; None where the temperature is the whole calibration.
        loading: record of the starting weights; None when started from scratch.
        provenance: manifest, split and audit digests, site-key fingerprint, seeds, versions, hardware, time.
        test_time: variants of what the network is shown, over which its logits are averaged, in validation and use.
        members: of an ensemble: name of each folder in `members/` -> SHA-256 of its `trained_model.json`. Its
            probability is the mean of its members'; network and preprocessing are then those of the first member.
        files: SHA-256 of every other file of the folder.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    modality: str = Field(min_length=1)
    intended_use: str
    not_for: str
    licence: str
    synthetic: bool
    network: NetworkSpec
    preprocessing: PreprocessingSpec
    label_names: tuple[str, ...] = Field(min_length=2)
    positive_label: str
    temperature: float = Field(1.0, gt=0)
    operating_points: dict[str, OperatingPoint] = Field(min_length=1)
    default_operating_point: str
    indeterminate: tuple[Share, Share] | None = None
    calibrator: dict[str, Any] | None = None
    loading: dict[str, Any] | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)
    test_time: TestTimeSpec = TestTimeSpec()
    members: dict[FileName, Digest] = Field(default_factory=dict)
    files: dict[FileName, Digest] = Field(default_factory=dict)

    @property
    def weights_digest(self) -> str:
        """SHA-256 (hex) of the weights; of an ensemble, of its members' digests together."""
        if not self.members:
            return self.files["weights.safetensors"]
        return hashlib.sha256("".join(self.members.values()).encode()).hexdigest()

    @model_validator(mode="after")
    def _labels(self) -> TrainedModelSpec:
        if len(set(self.label_names)) != len(self.label_names):
            raise ValueError(f"label_names must differ, got {self.label_names}")
        if self.positive_label not in self.label_names:
            raise ValueError(f"positive_label must be one of {self.label_names}, got {self.positive_label!r}")
        if self.network.label_count != len(self.label_names):
            raise ValueError(f"label_count must be {len(self.label_names)}, got {self.network.label_count}")
        return self

    @model_validator(mode="after")
    def _shapes(self) -> TrainedModelSpec:
        if self.network.spatial_dims != self.preprocessing.spatial_dims:
            seen = (self.network.spatial_dims, self.preprocessing.spatial_dims)
            raise ValueError(f"spatial_dims of network and preprocessing must agree, got {seen[0]} and {seen[1]}")
        if self.network.in_channels != self.preprocessing.tensor_channels:
            want = self.preprocessing.tensor_channels
            raise ValueError(f"in_channels must be {want} as preprocessing gives, got {self.network.in_channels}")
        if self.modality != self.preprocessing.modality:
            raise ValueError(f"modality must be {self.preprocessing.modality!r}, got {self.modality!r}")
        if getattr(self.preprocessing.views, "aggregate", "") == "attention" and not self.network.attention:
            raise ValueError("aggregate 'attention' needs a network with attention, got one without")
        self.test_time.check(shown_size(self.preprocessing), self.network.spatial_dims)
        return self

    @model_validator(mode="after")
    def _points(self) -> TrainedModelSpec:
        names = tuple(self.operating_points)
        if self.default_operating_point not in names:
            raise ValueError(f"default_operating_point must be one of {names}, got {self.default_operating_point!r}")
        wrong = [key for key, point in self.operating_points.items() if key != point.name]
        if wrong:
            raise ValueError(f"operating_points must stand under their own names, got {wrong}")
        return self

    @model_validator(mode="after")
    def _calibrated(self) -> TrainedModelSpec:
        if self.calibrator is None:
            return self
        if len(self.label_names) != 2:
            raise ValueError(f"calibrator needs two labels, got {len(self.label_names)}")
        try:
            tried = apply_calibrator(from_record(self.calibrator), [0.0, 0.5, 1.0])
        except (EvaluationError, TypeError, ValueError):
            raise ValueError("calibrator must be a record of a known kind with its numbers") from None
        if not (np.isfinite(tried) & (tried >= 0) & (tried <= 1)).all():
            raise ValueError("calibrator must give probabilities in [0, 1]")
        return self

    @model_validator(mode="after")
    def _band(self) -> TrainedModelSpec:
        if self.indeterminate is None:
            return self
        lower, upper = self.indeterminate
        threshold = self.operating_points[self.default_operating_point].threshold
        if not lower <= threshold <= upper:
            raise ValueError(f"indeterminate must hold the threshold {threshold:g}, got {lower:g} to {upper:g}")
        return self


def shown_size(spec: PreprocessingSpec) -> tuple[int, ...] | None:
    """Give the size of one view that a network is shown.

    Args:
        spec: what the network is shown.

    Returns:
        Voxels along i, j (and k); None where slices are cut along an axis other than k, or the size is the scan's own.
    """
    if spec.views.kind == "patches":
        return spec.views.size
    if spec.views.kind == "slices":
        return spec.size[:2] if spec.size and spec.views.axis == 2 else None
    return spec.size
