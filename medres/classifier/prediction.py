"""What a model says about one scan -> Prediction, frozen, with all that is needed to trace it.

Knows no tensor and no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from medres.models.spec import OperatingPoint

Decision = Literal["positive", "negative", "indeterminate", "out_of_scope"]


class Probabilities(Mapping[str, float]):
    """Probability by label name, immutable, in the order of the model's labels.

    Args:
        pairs: label names with their probabilities.

    Example:
        >>> Probabilities({"benign": 0.25, "malignant": 0.75})
        benign 0.250, malignant 0.750
    """

    __slots__ = ("_pairs",)
    _pairs: tuple[tuple[str, float], ...]

    def __init__(self, pairs: Mapping[str, float]) -> None:
        object.__setattr__(self, "_pairs", tuple(pairs.items()))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("probabilities cannot be changed")

    def __reduce__(self) -> tuple[type[Probabilities], tuple[dict[str, float]]]:
        return type(self), (dict(self._pairs),)

    def __getitem__(self, label: str) -> float:
        return dict(self._pairs)[label]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return ", ".join(f"{label} {value:.3f}" for label, value in self._pairs) or "none"


@dataclass(frozen=True)
class Place:
    """A place that a model of patches finds suspicious.

    Attributes:
        centre_mm: (3,), RAS+ mm in the scan's patient frame; means nothing where the scan's spacing is not known.
        voxel: (i, j, k) of the scan's own grid, from 0; along DICOM slices, k is the slice.
        probability: of the label in the patch that holds it, in [0, 1], by the model's temperature alone.
        patch_mm: (3,), mm, edges of that patch: what the probability is about.
    """

    centre_mm: tuple[float, float, float]
    voxel: tuple[int, int, int]
    probability: float
    patch_mm: tuple[float, float, float]


@dataclass(frozen=True, repr=False, kw_only=True)
class Prediction:
    """A model's answer for one scan.

    Attributes:
        probabilities: by label name, in [0, 1], calibrated; empty when out of scope.
        decision: about the positive label, at the operating point; "out_of_scope" carries no probability.
        positive_label: what decision and threshold are about.
        operating_point: where the decision was made; None when out of scope.
        coverage: share of the scan that the network was shown, in [0, 1].
        code: `E_SCOPE_...` when out of scope, else "".
        reason: in words, when out of scope.
        warnings: `W_...` codes of the scan and of the model.
        model_name, model_version, model_digest: which model.
        synthetic: the model was trained on phantoms.
        scan_digest: content digest of the scan.
        input_digest: SHA-256 of the tensor; "" when none was made.
        configuration_digest: of model, engine, precision, operating point and intake choices.
        engine, precision: what ran.
        seconds: from Volume to answer.
        places: of a model of patches, the most suspicious places, strongest first; at most five.
    """

    probabilities: Mapping[str, float]
    decision: Decision
    positive_label: str
    operating_point: OperatingPoint | None
    coverage: float
    code: str = ""
    reason: str = ""
    warnings: tuple[str, ...]
    model_name: str
    model_version: str
    model_digest: str
    synthetic: bool
    scan_digest: str
    input_digest: str
    configuration_digest: str
    engine: str
    precision: str
    seconds: float
    places: tuple[Place, ...] = ()

    @property
    def probability(self) -> float | None:
        """Probability of the positive label; None when out of scope."""
        return self.probabilities.get(self.positive_label)

    @property
    def top1(self) -> str | None:
        """The most probable label; None when out of scope."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None

    @property
    def threshold(self) -> float | None:
        """Threshold of the operating point; None when out of scope."""
        return None if self.operating_point is None else self.operating_point.threshold

    def __repr__(self) -> str:
        told = f"out of scope: {self.reason} ({self.code})" if self.operating_point is None else self._answer()
        synthetic = ", trained on phantoms" if self.synthetic else ""
        warned = f"\n  warnings: {', '.join(self.warnings)}" if self.warnings else ""
        seen = f"\n  {self.coverage:.0%} of the scan was shown to {self.model_name} {self.model_version}{synthetic}"
        found = "".join(f"\n  suspicious: {_say_place(place)}" for place in self.places)
        return f"Prediction: {told}{seen}{found}{warned}\n  Research use only."

    def _answer(self) -> str:
        """Say decision and numbers in one line."""
        point = self.operating_point
        assert point is not None  # __repr__ asks only then
        at = f"{self.positive_label} {self.probability:.3f}, threshold {point.threshold:.3f} ({point.name})"
        return f"{self.decision}: {at}; {self.probabilities!r}"


def _say_place(place: Place) -> str:
    """Say a place in one line."""
    mm = ", ".join(f"{value:.1f}" for value in place.centre_mm)
    return f"RAS {mm} mm, voxel {', '.join(map(str, place.voxel))}, {place.probability:.3f}"
