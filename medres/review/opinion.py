"""A ledger row or a Prediction -> Opinion: what a model said, in the words a reader is shown.

Knows no screen. A scan out of scope has a reason and no probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medres.errors import CODES
from medres.ledger import LedgerRow

if TYPE_CHECKING:
    from medres.classifier import Prediction

PHANTOM_CODE = "W_MODEL_PHANTOM"


@dataclass(frozen=True)
class Opinion:
    """What a model said of one scan.

    Attributes:
        decision: "positive", "negative", "indeterminate" or "out_of_scope"; "" where it could not answer.
        probability: of the positive label, in [0, 1], or None.
        positive_label: what the probability is about.
        threshold: of the operating point, in [0, 1], or None.
        operating_point: its name.
        coverage: share of the scan the network was shown, in [0, 1], or None.
        warnings: `W_...` codes.
        reason: why there is no probability, in words.
        model_name, model_version, model_digest: who said it.
    """

    decision: str
    probability: float | None
    positive_label: str
    threshold: float | None
    operating_point: str
    coverage: float | None
    warnings: tuple[str, ...]
    reason: str
    model_name: str
    model_version: str
    model_digest: str

    @property
    def synthetic(self) -> bool:
        """Whether the model was trained on phantoms."""
        return PHANTOM_CODE in self.warnings

    @property
    def model(self) -> str:
        """Name and version."""
        return f"{self.model_name} {self.model_version}".strip()


def opinion_of_row(row: LedgerRow) -> Opinion:
    """Take the opinion out of a ledger row.

    Args:
        row: of any status.

    Returns:
        The opinion.
    """
    return Opinion(
        row.decision,
        row.probability,
        row.positive_label,
        row.threshold,
        row.operating_point,
        row.coverage,
        row.warnings,
        row.message,
        row.model_name,
        row.model_version,
        row.model_digest,
    )


def opinion_of_prediction(prediction: Prediction) -> Opinion:
    """Take the opinion out of a fresh prediction.

    Args:
        prediction: of one scan.

    Returns:
        The opinion.
    """
    point = prediction.operating_point
    return Opinion(
        prediction.decision,
        prediction.probability,
        prediction.positive_label,
        prediction.threshold,
        point.name if point else "",
        prediction.coverage,
        prediction.warnings,
        prediction.reason,
        prediction.model_name,
        prediction.model_version,
        prediction.model_digest,
    )


def trust_words(scorecard: Mapping[str, Any] | None) -> str:
    """Say whether a model's heatmaps passed their tests.

    Args:
        scorecard: of the explanation, or None where it was never tested.

    Returns:
        One sentence.

    Example:
        >>> trust_words({"passed": False, "reason": "the sanity check"})
        "This model's heatmaps failed their tests: the sanity check"
    """
    if scorecard is None:
        return "This heatmap has not been tested: it shows where the network looked, not where disease is."
    if scorecard.get("passed"):
        return "This model's heatmaps passed their tests on validation scans."
    return f"This model's heatmaps failed their tests: {scorecard.get('reason', '')}"


def warning_words(codes: tuple[str, ...]) -> list[str]:
    """Say warnings in words.

    Args:
        codes: `W_...` codes.

    Returns:
        One sentence for each; a code this version does not know is shown as it is.

    Example:
        >>> warning_words(("W_TILT",))
        ['The gantry was tilted: slices are sheared against each other (W_TILT)']
    """
    return [f"{_sentence(CODES[code].arises)} ({code})" if code in CODES else code for code in codes]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
