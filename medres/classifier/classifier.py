"""TrainedModel + Volume -> Prediction, by the one preprocessing path.

Knows no file of scans and no page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medres.classifier.configuration import digest_configuration, digest_scan, find_point
from medres.classifier.gate import judge_input, judge_modality, judge_output
from medres.classifier.prediction import Decision, Prediction, Probabilities
from medres.engines.build import build_engine
from medres.engines.interface import Engine
from medres.errors import ModelError, ScopeError
from medres.models import golden
from medres.models.probability import scan_probabilities
from medres.models.scope import ScopeVerdict
from medres.models.spec import OperatingPoint
from medres.models.trained_model import TrainedModel, build_trained_network
from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.pipeline import preprocess
from medres.volume import Volume

VIEWS_AT_ONCE = 8  # patches or slices that are in memory inside the network together
NOT_FOR_THIS_MODEL = ("E_DIMENSIONS", "E_CHANNEL_GRID")  # faults that say: another kind of scan

Scan = Volume | Mapping[str, Volume]


@dataclass(frozen=True, eq=False)
class _Walk:
    """How far one scan has come."""

    started: float
    volumes: dict[str, Volume]
    shown: ModelInput | None = None


class Classifier:
    """A model ready to answer.

    Args:
        model: as loaded.
        engine: what runs the network.
        operating_point: name of the one that decides; None takes the model's default.
        intake: choices made at reading that change a result, such as {"nifti_frame": "sform"}.

    Attributes:
        model: the TrainedModel.
        engine: what runs the network.
        operating_point: what decides.
        configuration_digest: SHA-256 over model digest, engine, precision, operating point and intake choices.
    """

    def __init__(
        self,
        model: TrainedModel,
        engine: Engine,
        *,
        operating_point: str | None = None,
        intake: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.engine = engine
        self.operating_point = find_point(model, operating_point)
        self.configuration_digest = digest_configuration(model, engine, self.operating_point, intake or {})
        self._network: nn.Module | None = getattr(engine, "network", None)

    def __repr__(self) -> str:
        spec = self.model.spec
        labels = ", ".join(spec.label_names)
        runs_on = f"{self.engine.kind}, {self.engine.precision}"
        return f"Classifier {spec.name} {spec.version}: {spec.modality} -> {labels} ({runs_on})"

    @property
    def network(self) -> nn.Module:
        """The torch module in eval mode, for explanations; built at first use where another engine runs."""
        if self._network is None:
            self._network = build_trained_network(self.model)
        return self._network

    def prepare(self, volumes: Scan) -> ModelInput:
        """Turn a scan into what the network is shown.

        Args:
            volumes: one Volume, or several by channel name.

        Returns:
            The same tensor that training saw for this scan.

        Raises:
            ScopeError, IntakeError: as `preprocess`.
        """
        return preprocess(volumes, self.model.spec.preprocessing)

    def predict(self, volumes: Scan) -> Prediction:
        """Answer for one scan, or say why not.

        Args:
            volumes: one Volume, or several by channel name.

        Returns:
            Probabilities and a decision; for a scan outside the model's scope no probability and the reason.

        Raises:
            ScopeError: E_NO_MODALITY, E_CHANNEL_MISSING, E_CHANNEL_UNKNOWN.
            IntakeError: E_COLOUR, E_NO_SPACING, E_NOT_FINITE.
            ModelError: E_ENGINE where the network gives no finite number.
        """
        walk = _Walk(time.perf_counter(), self._named(volumes))
        verdict = judge_modality(self.model, walk.volumes.values())
        if verdict is not None:
            return self._refuse(walk, verdict)
        try:
            shown = self.prepare(walk.volumes)
        except ScopeError as fault:
            if fault.code not in NOT_FOR_THIS_MODEL:
                raise
            return self._refuse(walk, ScopeVerdict(fault.code, fault.what))
        return self._judge(replace(walk, shown=shown), shown)

    def verify(self) -> float:
        """Prove that this copy of the model gives its golden probability here.

        Returns:
            The largest difference, at most 1e-5.

        Raises:
            ModelError: E_MODEL_GOLDEN.
        """
        record = golden.read_golden(self.model.golden)
        spec = self.model.spec
        batch = self.prepare(golden.build_phantom(record.recipe, spec.preprocessing)).batch
        engine = self.engine if self.engine.precision == "fp32" else build_engine(self.model)
        logits = torch.cat([engine.run(part)["logits"] for part in batch.split(VIEWS_AT_ONCE)])  # (V, L)
        return golden.check_golden(record, spec.label_names, scan_probabilities(logits.numpy(), spec))

    def _named(self, volumes: Scan) -> dict[str, Volume]:
        """Name a single Volume after the only channel, and put the reference channel first."""
        channels = self.model.spec.preprocessing.channels
        if not isinstance(volumes, Volume | Mapping):
            raise TypeError(f"a scan must be a Volume, or Volumes by channel name, got {type(volumes).__name__}")
        named = {channels[0]: volumes} if isinstance(volumes, Volume) else dict(volumes)
        known = {name: named[name] for name in channels if name in named}
        return known | named

    def _judge(self, walk: _Walk, shown: ModelInput) -> Prediction:
        """Look at the scan before and after the network does; answer if both are like the training data."""
        verdict = judge_input(self.model, next(iter(walk.volumes.values())), shown)
        if verdict is not None:
            return self._refuse(walk, verdict)
        outputs = self._run(shown.batch)
        verdict = judge_output(self.model, outputs["embedding"])
        if verdict is not None:
            return self._refuse(walk, verdict)
        return self._answer(walk, scan_probabilities(outputs["logits"].numpy(), self.model.spec))

    def _run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the network, a few views at a time."""
        parts = [self.engine.run(part) for part in batch.split(VIEWS_AT_ONCE)]
        outputs = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        bad = int((~torch.isfinite(outputs["logits"])).sum())
        if bad:
            what = f"logits must be finite, got {bad} that are not ({self.engine.kind}, {self.engine.precision})"
            raise ModelError("E_ENGINE", what, "use --precision fp32, or copy the model folder again")
        return outputs

    def _warnings(self, walk: _Walk) -> tuple[str, ...]:
        """Collect the codes that travel with the result."""
        codes = [code for volume in walk.volumes.values() for code in volume.codes]
        return tuple(dict.fromkeys([*codes, *(["W_MODEL_PHANTOM"] if self.model.spec.synthetic else [])]))

    def _answer(self, walk: _Walk, probabilities: NDArray) -> Prediction:
        """Decide at the operating point."""
        named = Probabilities({n: float(p) for n, p in zip(self.model.spec.label_names, probabilities, strict=True)})
        decision = self._decide(named[self.model.spec.positive_label])
        return self._tell(walk, named, decision, self.operating_point)

    def _decide(self, probability: float) -> Decision:
        """Compare with the threshold; the indeterminate band belongs to the default operating point."""
        band = self.model.spec.indeterminate
        is_default = self.operating_point.name == self.model.spec.default_operating_point
        if band is not None and is_default and band[0] <= probability < band[1]:
            return "indeterminate"
        return "positive" if probability >= self.operating_point.threshold else "negative"

    def _refuse(self, walk: _Walk, verdict: ScopeVerdict) -> Prediction:
        """Give the reason and no probability."""
        return self._tell(walk, Probabilities({}), "out_of_scope", None, verdict)

    def _tell(
        self,
        walk: _Walk,
        probabilities: Probabilities,
        decision: Decision,
        point: OperatingPoint | None,
        verdict: ScopeVerdict | None = None,
    ) -> Prediction:
        """Put together all that traces an answer."""
        spec = self.model.spec
        return Prediction(
            probabilities=probabilities,
            decision=decision,
            positive_label=spec.positive_label,
            operating_point=point,
            coverage=0.0 if walk.shown is None else walk.shown.coverage,
            code="" if verdict is None else verdict.code,
            reason="" if verdict is None else verdict.reason,
            warnings=self._warnings(walk),
            model_name=spec.name,
            model_version=spec.version,
            model_digest=self.model.digest,
            synthetic=spec.synthetic,
            scan_digest=digest_scan(walk.volumes),
            input_digest="" if walk.shown is None else walk.shown.digest,
            configuration_digest=self.configuration_digest,
            engine=self.engine.kind,
            precision=self.engine.precision,
            seconds=time.perf_counter() - walk.started,
        )
