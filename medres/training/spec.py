"""One TOML file -> ExperimentSpec: all that decides what a training gives, frozen and validated.

Knows no scan and no network. What only says where and on what (manifest, split, folder, device) is not in it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from medres.errors import EvaluationError, SpecError
from medres.evaluation.abstention import parse_band_rule
from medres.models.attention import WIDTH
from medres.models.spec import NetworkSpec, shown_size
from medres.models.test_time import TestTimeSpec
from medres.preprocessing.spec import Frozen, PreprocessingSpec
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import check_units
from medres.training.instances import InstanceSpec, Supervision
from medres.training.pretraining.spec import PretrainingSpec

SCHEMA_VERSION = 1

Share = Annotated[float, Field(ge=0, le=1)]


class LabelSpec(Frozen):
    """Which labels of the manifest become which label of the model.

    Attributes:
        positive: the label of the model that operating points and decisions are about.
        groups: label of the model, in the order of the logits -> labels of the manifest that belong to it.
        ignore: labels of the manifest whose rows are left out.
    """

    positive: str
    groups: dict[str, tuple[str, ...]] = Field(min_length=2)
    ignore: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> LabelSpec:
        if self.positive not in self.groups:
            raise ValueError(f"positive must be one of {list(self.groups)}, got {self.positive!r}")
        named = [label for labels in self.groups.values() for label in labels] + list(self.ignore)
        twice = sorted({label for label in named if named.count(label) > 1})
        if twice:
            raise ValueError(f"a label of the manifest must stand in one group, got {twice} in several")
        if any(not labels for labels in self.groups.values()):
            raise ValueError("each group must name at least one label of the manifest, got an empty one")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Labels of the model in the order of its logits."""
        return tuple(self.groups)

    @property
    def known(self) -> tuple[str, ...]:
        """Every label of a manifest that this spec speaks of."""
        return (*(label for labels in self.groups.values() for label in labels), *self.ignore)

    def index_of(self, label: str) -> int | None:
        """Give the logit that a label of the manifest belongs to.

        Args:
            label: as in the manifest.

        Returns:
            Index into `names`, or None where the label is ignored or unknown.

        Example:
            >>> spec = LabelSpec(positive="bad", groups={"good": ("b", "n"), "bad": ("m",)})
            >>> spec.index_of("m"), spec.index_of("x")
            (1, None)
        """
        found = [index for index, labels in enumerate(self.groups.values()) if label in labels]
        return found[0] if found else None


class NetworkChoice(Frozen):
    """The part of a NetworkSpec that is chosen; the rest follows from preprocessing and labels.

    Attributes:
        name, width, stem, last_stride, norm, dropout, shortcut: as in `NetworkSpec`.
    """

    name: str = "resnet18"
    width: float = Field(1.0, gt=0)
    stem: Literal["standard", "small"] = "standard"
    last_stride: Literal[1, 2] = 2
    norm: Literal["batch", "group", "instance"] = "batch"
    dropout: float = Field(0.0, ge=0, lt=1)
    shortcut: Literal["A", "B"] = "B"


class TrainingSpec(Frozen):
    """How weights are fitted.

    Attributes:
        epochs: passes over the training scans, at most.
        batch_size: scans (or views) of one step.
        learning_rate: highest rate of the head, AdamW.
        weight_decay: AdamW's; norms and biases are left out.
        warmup: share of all steps over which the rate rises linearly; it then falls as a cosine.
        layer_decay: factor on the rate from each stage to the one below it (1: one rate for all).
        frozen_epochs: epochs in which the backbone stands still and the head alone learns.
        unfreeze_every: epochs from one stage's release to the next one's, from the head down; 0 releases all at once.
        freeze_norms: frozen stages keep the running means of their batch norms.
        balance: "none", "weights" (the rarer class weighs more in the loss) or "sampling" (it is drawn more often).
        label_smoothing: share of the target spread over all labels.
        focal_gamma: exponent of the focal loss, which looks away from scans that are already right; 0 is cross-entropy.
        clip_norm: gradients are shortened to this length; 0 leaves them.
        clip_by: "norm", or "value": each number of the gradient is cut to `clip_norm`.
        accumulate: batches whose gradients make one step.
        average: which weights are validated and kept: "ema", a running average, or "swa", the mean of the last epochs.
        average_decay: decay of the running average; 0 keeps the weights as they are.
        average_start: share of the training after which the mean of "swa" begins.
        patience: epochs without a better validation AUROC after which training ends; 0 never.
        precision: "auto" takes bf16 with channels-last where this machine measures faster with it, else fp32.
        views_per_scan: for slices and patches: views drawn from each scan in each epoch.
        instances: for patches of which few hold the lesion: which are learnt from, in place of `views_per_scan`.
        seed: of weights, order and augmentation.
    """

    epochs: int = Field(30, ge=1)
    batch_size: int = Field(16, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup: Share = 0.1
    layer_decay: float = Field(1.0, gt=0, le=1)
    frozen_epochs: int = Field(0, ge=0)
    unfreeze_every: int = Field(0, ge=0)
    freeze_norms: bool = True
    balance: Literal["none", "weights", "sampling"] = "weights"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    focal_gamma: float = Field(0.0, ge=0)
    clip_norm: float = Field(1.0, ge=0)
    clip_by: Literal["norm", "value"] = "norm"
    accumulate: int = Field(1, ge=1)
    average: Literal["ema", "swa"] = "ema"
    average_decay: float = Field(0.0, ge=0, lt=1)
    average_start: Share = 0.75
    patience: int = Field(0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    views_per_scan: int = Field(1, ge=1)
    instances: InstanceSpec | None = None
    seed: int = 0

    @property
    def supervision(self) -> Supervision:
        """What tells the training where lesions are; validation scans are judged by their labels alone."""
        return "scan" if self.instances is None else self.instances.supervision


class OperatingSpec(Frozen):
    """How probabilities are calibrated and which operating points are chosen, all on the validation part.

    Attributes:
        rules: name -> rule, such as "youden", "sensitivity>=0.95" or "specificity>=0.9".
        default: the name that decides where a user names none.
        calibration: what makes probabilities of scores, before any point is chosen: one temperature, "none", or with
            two labels "platt", "isotonic" or "beta".
        abstain: rule of the band around the default point in which no decision is given, such as "error<=0.05" or
            "conformal:0.05"; None decides always.
    """

    rules: dict[str, str] = Field(
        default_factory=lambda: {
            "balanced": "youden",
            "sensitive": "sensitivity>=0.95",
            "specific": "specificity>=0.9",
        },
        min_length=1,
    )
    default: str = "balanced"
    calibration: Literal["temperature", "platt", "isotonic", "beta", "none"] = "temperature"
    abstain: str | None = None

    @model_validator(mode="after")
    def _named(self) -> OperatingSpec:
        if self.default not in self.rules:
            raise ValueError(f"default must be one of {list(self.rules)}, got {self.default!r}")
        return self

    @model_validator(mode="after")
    def _abstains(self) -> OperatingSpec:
        if self.abstain is not None:
            try:
                parse_band_rule(self.abstain)
            except EvaluationError as fault:
                raise ValueError(f"abstain: {fault.what}") from None
        return self


class ExperimentSpec(Frozen):
    """One experiment: what a TOML file of `pipelines/configs` says.

    Attributes:
        schema_version: of this file's form; a newer one is refused.
        name, version: of the model that comes out.
        intended_use, not_for, licence: sentences for the model card.
        synthetic: trained on phantoms; every result then says so.
        weights: to start from: a source of `medres weights list`, a file or a TrainedModel folder, relative to the
            TOML file; None draws weights from the seed.
        carry: how 2D weights come into a 3D network: "inflate" (each kernel repeated along the third axis) or "acs"
            (as they are, into a network on ACS convolutions); None refuses them.
        labels, network, preprocessing, training, augmentation, operating: the parts.
        pretraining: how `medres pretrain` learns from scans without labels; `medres train` does not look at it.
        test_time: flips and turns over which the finished model's logits are averaged; epochs are compared without.
    """

    schema_version: int = SCHEMA_VERSION
    name: str = Field(min_length=1)
    version: str = "1"
    intended_use: str = "Research on the data set it was trained on."
    not_for: str = "Diagnosis or treatment decisions; scans unlike those it was trained on."
    licence: str = "That of the training data."
    synthetic: bool = False
    weights: str | None = None
    carry: Literal["inflate", "acs"] | None = None
    labels: LabelSpec
    network: NetworkChoice = NetworkChoice.model_validate({})
    preprocessing: PreprocessingSpec
    training: TrainingSpec = TrainingSpec.model_validate({})
    augmentation: AugmentationSpec = AugmentationSpec.model_validate({})
    operating: OperatingSpec = OperatingSpec.model_validate({})
    test_time: TestTimeSpec = TestTimeSpec()
    pretraining: PretrainingSpec = Field(default_factory=lambda: PretrainingSpec.model_validate({}))

    @model_validator(mode="after")
    def _pooled(self) -> ExperimentSpec:
        is_pooled = getattr(self.preprocessing.views, "aggregate", "") == "attention"
        if is_pooled and (self.augmentation.mixup or self.augmentation.cutmix):
            raise ValueError("views with attention cannot be blended: set mixup and cutmix to 0")
        return self

    @model_validator(mode="after")
    def _instances(self) -> ExperimentSpec:
        views, count = self.preprocessing.views, len(self.labels.groups)
        if self.training.instances is None:
            return self
        if views.kind != "patches" or views.aggregate == "attention":
            raise ValueError("training.instances needs views of kind 'patches' that are not weighed by attention")
        if count != 2:
            raise ValueError(f"training.instances needs two labels, got {count}: gather the others in one group")
        if self.training.balance == "sampling":
            raise ValueError("training.instances draws patches, not scans: balance must be 'weights' or 'none'")
        return self

    @model_validator(mode="after")
    def _turned(self) -> ExperimentSpec:
        self.test_time.check(shown_size(self.preprocessing), self.preprocessing.spatial_dims)
        return self

    @model_validator(mode="after")
    def _measured(self) -> ExperimentSpec:
        try:
            check_units(self.augmentation, self.preprocessing)
            check_units(self.pretraining.augmentation, self.preprocessing)
        except SpecError as fault:
            raise ValueError(f"{fault.what}; {fault.cure}") from None
        return self

    @model_validator(mode="after")
    def _calibrated(self) -> ExperimentSpec:
        chosen, count = self.operating.calibration, len(self.labels.groups)
        if count > 2 and chosen not in ("temperature", "none"):
            raise ValueError(f"operating.calibration {chosen!r} needs two labels, got {count}: take 'temperature'")
        return self

    @model_validator(mode="after")
    def _carried(self) -> ExperimentSpec:
        if self.carry is not None and (self.weights is None or self.preprocessing.spatial_dims != 3):
            raise ValueError(f"carry {self.carry!r} needs weights and a 3D network, got one without")
        return self

    @property
    def network_spec(self) -> NetworkSpec:
        """The whole network: the choice, with what preprocessing and labels decide."""
        return NetworkSpec(
            **self.network.model_dump(),
            spatial_dims=self.preprocessing.spatial_dims,
            in_channels=self.preprocessing.tensor_channels,
            label_count=len(self.labels.names),
            attention=WIDTH if getattr(self.preprocessing.views, "aggregate", "") == "attention" else 0,
            convolution="acs" if self.carry == "acs" else "plain",
        )

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that changes the result of a training."""
        unused: dict[str, Any] = {"pretraining": True}
        if self.training.instances is None:
            unused["training"] = {"instances"}  # digests of experiments without them stay what they were
        return hashlib.sha256(self.model_dump_json(exclude=unused).encode()).hexdigest()
