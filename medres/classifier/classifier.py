"""TrainedModel + Volume -> Prediction, by the one preprocessing path.

Knows no file of scans and no page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medres.classifier.alike import find_unlike
from medres.classifier.configuration import digest_configuration, digest_scan, find_point
from medres.classifier.gate import judge_input, judge_modality, judge_output
from medres.classifier.places import Finder, find_places, finest_layer, join_places
from medres.classifier.prediction import Decision, Place, Prediction, Probabilities
from medres.engines.build import build_engine
from medres.engines.group import EngineGroup
from medres.engines.interface import Engine
from medres.errors import ModelError, ScopeError
from medres.models import golden
from medres.models.attention import weigh_views
from medres.models.probability import scan_probabilities, softmax
from medres.models.scope import ScopeVerdict
from medres.models.spec import OperatingPoint
from medres.models.test_time import run_variants
from medres.models.trained_model import TrainedModel, build_trained_network
from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.pipeline import preprocess
from medres.volume import Volume

VIEWS_AT_ONCE = 8  # patches or slices that are in memory inside the network together, at least
VOXELS_AT_ONCE = 1 << 17  # and as many small ones as hold this many voxels
NOT_FOR_THIS_MODEL = ("E_DIMENSIONS", "E_CHANNEL_GRID")  # faults that say: another kind of scan

Scan = Volume | Mapping[str, Volume]


@dataclass(frozen=True, eq=False)
class _Found:
    """What the network says of one scan.

    Attributes:
        probabilities: (L,), calibrated.
        places: most suspicious places.
    """

    probabilities: NDArray
    places: tuple[Place, ...] = ()


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
        members: of an ensemble, a classifier for each; () for a plain model.
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
        engines = engine.members if isinstance(engine, EngineGroup) else ()
        self.members = tuple(Classifier(one, own) for one, own in zip(model.members, engines, strict=True))

    def __repr__(self) -> str:
        spec = self.model.spec
        labels = ", ".join(spec.label_names)
        runs_on = f"{self.engine.kind}, {self.engine.precision}"
        return f"Classifier {spec.name} {spec.version}: {spec.modality} -> {labels} ({runs_on})"

    @property
    def network(self) -> nn.Module:
        """The torch module in eval mode, for explanations; built at first use where another engine runs.

        Of an ensemble, that of its first member.
        """
        if self.members:
            return self.members[0].network
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

    def weigh_views(self, shown: ModelInput) -> NDArray | None:
        """Say how much each view of a scan counts, where the network has learnt that.

        Args:
            shown: of `prepare`.

        Returns:
            (V,), sums to 1; None of a model with stated aggregation.
        """
        if not self.model.spec.network.attention or self.members:
            return None
        return weigh_views(self._run(shown.batch)["attention"].numpy())

    def verify(self) -> float:
        """Prove that this copy of the model gives its golden probability here.

        Returns:
            The largest difference, at most 1e-5.

        Raises:
            ModelError: E_MODEL_GOLDEN.
        """
        record = golden.read_golden(self.model.golden)
        phantom = golden.build_phantom(record.recipe, self.model.spec.preprocessing)
        return golden.check_golden(record, self.model.spec.label_names, self._golden(phantom))

    def _golden(self, phantom: dict[str, Volume]) -> NDArray:
        """Give the probabilities of the golden phantom, in fp32, whatever the gate says of it."""
        if self.members:
            return np.asarray(np.mean([member._golden(phantom) for member in self.members], axis=0))
        exact = self if self.engine.precision == "fp32" else Classifier(self.model, build_engine(self.model))
        return exact._score(exact._run(exact.prepare(phantom).batch))

    def _named(self, volumes: Scan) -> dict[str, Volume]:
        """Name a single Volume after the only channel, and put the reference channel first."""
        channels = self.model.spec.preprocessing.channels
        if not isinstance(volumes, Volume | Mapping):
            raise TypeError(f"a scan must be a Volume, or Volumes by channel name, got {type(volumes).__name__}")
        named = {channels[0]: volumes} if isinstance(volumes, Volume) else dict(volumes)
        known = {name: named[name] for name in channels if name in named}
        return known | named

    def _judge(self, walk: _Walk, shown: ModelInput) -> Prediction:
        """Answer, or refuse what is unlike the training data."""
        found = self._ask(walk.volumes, shown)
        return self._refuse(walk, found) if isinstance(found, ScopeVerdict) else self._answer(walk, found)

    def _ask(self, volumes: dict[str, Volume], shown: ModelInput) -> _Found | ScopeVerdict:
        """Look at the scan before and after the network does; an answer if both are like the training data."""
        if self.members:
            return self._ask_members(volumes, shown)
        verdict = judge_input(self.model, next(iter(volumes.values())), shown)
        if verdict is not None:
            return verdict
        outputs = self._run(shown.batch)
        verdict = judge_output(self.model, outputs["embedding"])
        if verdict is not None:
            return verdict
        return _Found(self._score(outputs), self._find_places(outputs, shown, next(iter(volumes.values()))))

    def _ask_members(self, volumes: dict[str, Volume], shown: ModelInput) -> _Found | ScopeVerdict:
        """Give the mean of the members that answer; refuse where half of them or more do."""
        own = self.model.spec.preprocessing
        same = [member.model.spec.preprocessing == own for member in self.members]
        found = [
            member._ask(volumes, shown if alike else member.prepare(volumes))
            for member, alike in zip(self.members, same, strict=True)
        ]
        refused = [one for one in found if isinstance(one, ScopeVerdict)]
        if 2 * len(refused) >= len(found):
            told = f"{refused[0].reason} ({len(refused)} of {len(found)} members of the ensemble refuse)"
            return replace(refused[0], reason=told)
        answers = [one for one in found if not isinstance(one, ScopeVerdict)]
        joined = join_places([one.places for one in answers])
        return _Found(np.asarray(np.mean([one.probabilities for one in answers], axis=0)), joined)

    def _score(self, outputs: dict[str, Tensor]) -> NDArray:
        """Make one probability for each label, (L,), of what the network gave for the views."""
        attention = outputs.get("attention")
        return scan_probabilities(
            outputs["logits"].numpy(), self.model.spec, None if attention is None else attention.numpy()
        )

    def _find_places(self, outputs: dict[str, Tensor], shown: ModelInput, reference: Volume) -> tuple[Place, ...]:
        """Find the most suspicious places of a scan that was shown in patches."""
        if shown.grid is None:
            return ()
        spec, attention = self.model.spec, outputs.get("attention")
        positive = spec.label_names.index(spec.positive_label)
        shares = softmax(outputs["logits"].numpy(), spec.temperature)[:, positive]
        if attention is not None:
            weights = weigh_views(attention.numpy())
            shares = shares * weights / weights.max()
        finder = Finder(self.network, positive, finest_layer(self.network))
        return find_places(finder, shown, shares, reference)

    def _run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the network, a few views at a time, over every test-time variant; views that are all air once."""
        variants = self.model.spec.test_time
        rows, same = find_unlike(batch)
        at_once = max(VIEWS_AT_ONCE, VOXELS_AT_ONCE // batch[0].numel())
        parts = [run_variants(self.engine.run, batch[part], variants) for part in rows.split(at_once)]
        outputs = {name: torch.cat([part[name] for part in parts])[same] for name in parts[0]}
        bad = int((~torch.isfinite(outputs["logits"])).sum())
        if bad:
            what = f"logits must be finite, got {bad} that are not ({self.engine.kind}, {self.engine.precision})"
            raise ModelError("E_ENGINE", what, "use --precision fp32, or copy the model folder again")
        return outputs

    def _warnings(self, walk: _Walk) -> tuple[str, ...]:
        """Collect the codes that travel with the result."""
        codes = [code for volume in walk.volumes.values() for code in volume.codes]
        return tuple(dict.fromkeys([*codes, *(["W_MODEL_PHANTOM"] if self.model.spec.synthetic else [])]))

    def _answer(self, walk: _Walk, found: _Found) -> Prediction:
        """Decide at the operating point."""
        pairs = zip(self.model.spec.label_names, found.probabilities, strict=True)
        named = Probabilities({name: float(value) for name, value in pairs})
        decision = self._decide(named[self.model.spec.positive_label])
        return replace(self._tell(walk, named, decision, self.operating_point), places=found.places)

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
